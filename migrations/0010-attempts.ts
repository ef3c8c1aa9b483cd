import type { Migration } from '../src/database/migration/migration.ts'

export const attempts: Migration = {
  name: '0010-attempts',
  table: 'attempts',
  reason: 'each run of a job by one scheduler; the number is the fencing token',
  columns: [
    'job_id',
    'number',
    'try',
    'scheduler_id',
    'started_at',
    'ended_at',
    'outcome',
    'error_class',
    'error',
    'evidence',
  ],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('attempts')
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addColumn('number', 'integer', (column) => column.notNull())
      .addColumn('try', 'integer', (column) => column.notNull())
      .addColumn('scheduler_id', 'text', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('outcome', 'text')
      .addColumn('error_class', 'text')
      .addColumn('error', 'text')
      .addColumn('evidence', 'text')
      .addPrimaryKeyConstraint('attempts_pk', ['job_id', 'number'])
      .execute()
  },
}
