import type { Migration } from '../src/database/migration/migration.ts'

export const reservations: Migration = {
  name: '0014-reservations',
  table: 'reservations',
  reason: 'calls in flight with their upper bound, so that no budget is ever passed',
  columns: [
    'id',
    'project_id',
    'job_id',
    'errand_id',
    'attempt',
    'scheduler_id',
    'provider_id',
    'model_id',
    'bound_micro_usd',
    'tokens',
    'created_at',
    'settled_at',
  ],
  indexes: ['reservations_open'],
  up: async (db) => {
    await db.schema
      .createTable('reservations')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('project_id', 'text')
      .addColumn('job_id', 'text')
      .addColumn('errand_id', 'text')
      .addColumn('attempt', 'integer')
      .addColumn('scheduler_id', 'text')
      .addColumn('provider_id', 'text', (column) => column.notNull())
      .addColumn('model_id', 'text', (column) => column.notNull())
      .addColumn('bound_micro_usd', 'bigint')
      .addColumn('tokens', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('settled_at', 'bigint')
      .addPrimaryKeyConstraint('reservations_pk', ['id'])
      .execute()
    await db.schema
      .createIndex('reservations_open')
      .on('reservations')
      .columns(['project_id', 'provider_id', 'model_id', 'settled_at'])
      .where('settled_at', 'is', null)
      .execute()
  },
}
