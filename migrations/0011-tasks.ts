import type { Migration } from '../src/database/migration/migration.ts'

export const tasks: Migration = {
  name: '0011-tasks',
  table: 'tasks',
  reason: 'ordered steps of a job',
  columns: ['job_id', 'ordinal', 'title', 'description', 'state', 'summary', 'updated_at'],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('tasks')
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addColumn('ordinal', 'integer', (column) => column.notNull())
      .addColumn('title', 'text', (column) => column.notNull())
      .addColumn('description', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('summary', 'text')
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('tasks_pk', ['job_id', 'ordinal'])
      .execute()
  },
}
