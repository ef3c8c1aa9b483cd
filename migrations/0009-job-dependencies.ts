import type { Migration } from '../src/database/migration/migration.ts'

export const jobDependencies: Migration = {
  name: '0009-job-dependencies',
  table: 'job_dependencies',
  reason: 'job to job edges of a plan',
  columns: ['job_id', 'depends_on_id'],
  indexes: ['job_dependencies_dependants'],
  up: async (db) => {
    await db.schema
      .createTable('job_dependencies')
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addColumn('depends_on_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('job_dependencies_pk', ['job_id', 'depends_on_id'])
      .execute()
    await db.schema
      .createIndex('job_dependencies_dependants')
      .on('job_dependencies')
      .columns(['depends_on_id', 'job_id'])
      .execute()
  },
}
