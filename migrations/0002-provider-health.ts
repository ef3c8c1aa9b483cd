import type { Migration } from '../src/database/migration/migration.ts'

export const providerHealth: Migration = {
  name: '0002-provider-health',
  table: 'provider_health',
  reason: 'what each provider and model did lately, so that cooldowns survive a restart',
  columns: [
    'provider_id',
    'model_id',
    'state',
    'error_class',
    'reason',
    'cooldown_until',
    'failures',
    'adaptive_target',
    'request_bucket',
    'token_bucket',
    'bucket_at',
    'updated_at',
  ],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('provider_health')
      .addColumn('provider_id', 'text', (column) => column.notNull())
      .addColumn('model_id', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('error_class', 'text')
      .addColumn('reason', 'text')
      .addColumn('cooldown_until', 'bigint')
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('adaptive_target', 'integer')
      .addColumn('request_bucket', 'integer')
      .addColumn('token_bucket', 'integer')
      .addColumn('bucket_at', 'bigint')
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('provider_health_pk', ['provider_id', 'model_id'])
      .execute()
  },
}
