import type { Migration } from '../src/database/migration/migration.ts'

export const modelRegistry: Migration = {
  name: '0004-model-registry',
  table: 'model_registry',
  reason: 'every known model in three layers: provider_data, ai_data, specs',
  columns: [
    'provider_id',
    'model_id',
    'provider_data',
    'ai_data',
    'specs',
    'lifecycle',
    'first_seen_at',
    'last_seen_at',
    'updated_at',
  ],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('model_registry')
      .addColumn('provider_id', 'text', (column) => column.notNull())
      .addColumn('model_id', 'text', (column) => column.notNull())
      .addColumn('provider_data', 'text')
      .addColumn('ai_data', 'text')
      .addColumn('specs', 'text')
      .addColumn('lifecycle', 'text', (column) => column.notNull())
      .addColumn('first_seen_at', 'bigint', (column) => column.notNull())
      .addColumn('last_seen_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('model_registry_pk', ['provider_id', 'model_id'])
      .execute()
  },
}
