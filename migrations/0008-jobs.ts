import type { Migration } from '../src/database/migration/migration.ts'

export const jobs: Migration = {
  name: '0008-jobs',
  table: 'jobs',
  reason: 'the unit of scheduling',
  columns: [
    'id',
    'project_id',
    'key',
    'title',
    'description',
    'role',
    'executor',
    'state',
    'hold',
    'hold_reason',
    'priority',
    'effective_priority',
    'path_length',
    'run_at',
    'ready_at',
    'blocked_by',
    'attempt',
    'try',
    'max_tries',
    'interruptions',
    'lease_owner',
    'lease_expires_at',
    'waits_for',
    'spec',
    'result',
    'error',
    'skipped_because',
    'rehearsed',
    'created_at',
    'updated_at',
    'started_at',
    'finished_at',
  ],
  indexes: ['jobs_project_key', 'jobs_claim', 'jobs_lease'],
  up: async (db) => {
    await db.schema
      .createTable('jobs')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('title', 'text', (column) => column.notNull())
      .addColumn('description', 'text', (column) => column.notNull())
      .addColumn('role', 'text')
      .addColumn('executor', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('hold', 'text')
      .addColumn('hold_reason', 'text')
      .addColumn('priority', 'integer', (column) => column.notNull())
      .addColumn('effective_priority', 'integer', (column) => column.notNull())
      .addColumn('path_length', 'integer', (column) => column.notNull())
      .addColumn('run_at', 'bigint', (column) => column.notNull())
      .addColumn('ready_at', 'bigint')
      .addColumn('blocked_by', 'integer', (column) => column.notNull())
      .addColumn('attempt', 'integer', (column) => column.notNull())
      .addColumn('try', 'integer', (column) => column.notNull())
      .addColumn('max_tries', 'integer', (column) => column.notNull())
      .addColumn('interruptions', 'integer', (column) => column.notNull())
      .addColumn('lease_owner', 'text')
      .addColumn('lease_expires_at', 'bigint')
      .addColumn('waits_for', 'text')
      .addColumn('spec', 'text', (column) => column.notNull())
      .addColumn('result', 'text')
      .addColumn('error', 'text')
      .addColumn('skipped_because', 'text')
      .addColumn('rehearsed', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addColumn('started_at', 'bigint')
      .addColumn('finished_at', 'bigint')
      .addPrimaryKeyConstraint('jobs_pk', ['id'])
      .execute()
    await db.schema.createIndex('jobs_project_key').on('jobs').unique().columns(['project_id', 'key']).execute()
    await db.schema
      .createIndex('jobs_claim')
      .on('jobs')
      .columns(['state', 'effective_priority desc', 'path_length desc', 'ready_at', 'id'])
      .where('state', '=', 'ready')
      .execute()
    await db.schema
      .createIndex('jobs_lease')
      .on('jobs')
      .columns(['state', 'lease_expires_at'])
      .where('state', '=', 'running')
      .execute()
  },
}
