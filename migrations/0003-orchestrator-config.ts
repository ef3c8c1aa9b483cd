import type { Migration } from '../src/database/migration/migration.ts'

export const orchestratorConfig: Migration = {
  name: '0003-orchestrator-config',
  table: 'orchestrator_config',
  reason: 'shared settings: selection policy, default models, limits, budgets',
  columns: ['key', 'value', 'updated_at'],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('orchestrator_config')
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('orchestrator_config_pk', ['key'])
      .execute()
  },
}
