import type { Migration } from '../src/database/migration/migration.ts'

export const jobLocks: Migration = {
  name: '0015-job-locks',
  table: 'job_locks',
  reason: 'names and path prefixes that running jobs hold',
  columns: ['name', 'job_id', 'attempt', 'mode', 'acquired_at'],
  indexes: ['job_locks_job'],
  up: async (db) => {
    await db.schema
      .createTable('job_locks')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addColumn('attempt', 'integer', (column) => column.notNull())
      .addColumn('mode', 'text', (column) => column.notNull())
      .addColumn('acquired_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('job_locks_pk', ['name', 'job_id'])
      .execute()
    await db.schema.createIndex('job_locks_job').on('job_locks').columns(['job_id']).execute()
  },
}
