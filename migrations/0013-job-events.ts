import type { Migration } from '../src/database/migration/migration.ts'

export const jobEvents: Migration = {
  name: '0013-job-events',
  table: 'job_events',
  reason: 'append-only history behind logs, watch and why',
  columns: ['id', 'project_id', 'job_id', 'attempt', 'kind', 'data', 'created_at'],
  indexes: ['job_events_job', 'job_events_project'],
  up: async (db) => {
    await db.schema
      .createTable('job_events')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('job_id', 'text')
      .addColumn('attempt', 'integer')
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('job_events_pk', ['id'])
      .execute()
    await db.schema.createIndex('job_events_job').on('job_events').columns(['job_id', 'id']).execute()
    await db.schema.createIndex('job_events_project').on('job_events').columns(['project_id', 'id']).execute()
  },
}
