import type { Migration } from '../src/database/migration/migration.ts'

export const providerConfig: Migration = {
  name: '0001-provider-config',
  table: 'provider_config',
  reason: 'where models are called: addresses, limits and the name of a credential',
  columns: [
    'id',
    'label',
    'kind',
    'base_url',
    'credential',
    'requests_per_minute',
    'tokens_per_minute',
    'max_concurrency',
    'enabled',
    'created_at',
    'updated_at',
  ],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('provider_config')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('label', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('base_url', 'text')
      .addColumn('credential', 'text')
      .addColumn('requests_per_minute', 'integer')
      .addColumn('tokens_per_minute', 'integer')
      .addColumn('max_concurrency', 'integer')
      .addColumn('enabled', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('provider_config_pk', ['id'])
      .execute()
  },
}
