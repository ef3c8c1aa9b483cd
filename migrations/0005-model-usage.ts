import type { Migration } from '../src/database/migration/migration.ts'

export const modelUsage: Migration = {
  name: '0005-model-usage',
  table: 'model_usage',
  reason: 'tokens and money of every request sent',
  columns: [
    'id',
    'project_id',
    'job_id',
    'errand_id',
    'attempt',
    'role',
    'provider_id',
    'model_id',
    'purpose',
    'input_tokens',
    'cached_input_tokens',
    'cache_write_tokens',
    'output_tokens',
    'reasoning_tokens',
    'cost_micro_usd',
    'bound_micro_usd',
    'source',
    'price_source',
    'price_version',
    'latency_ms',
    'outcome',
    'error_class',
    'created_at',
  ],
  indexes: ['model_usage_project', 'model_usage_created'],
  up: async (db) => {
    await db.schema
      .createTable('model_usage')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('project_id', 'text')
      .addColumn('job_id', 'text')
      .addColumn('errand_id', 'text')
      .addColumn('attempt', 'integer')
      .addColumn('role', 'text')
      .addColumn('provider_id', 'text', (column) => column.notNull())
      .addColumn('model_id', 'text', (column) => column.notNull())
      .addColumn('purpose', 'text', (column) => column.notNull())
      .addColumn('input_tokens', 'bigint')
      .addColumn('cached_input_tokens', 'bigint')
      .addColumn('cache_write_tokens', 'bigint')
      .addColumn('output_tokens', 'bigint')
      .addColumn('reasoning_tokens', 'bigint')
      .addColumn('cost_micro_usd', 'bigint')
      .addColumn('bound_micro_usd', 'bigint')
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('price_source', 'text')
      .addColumn('price_version', 'text')
      .addColumn('latency_ms', 'bigint')
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('error_class', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('model_usage_pk', ['id'])
      .execute()
    await db.schema.createIndex('model_usage_project').on('model_usage').columns(['project_id', 'created_at']).execute()
    await db.schema.createIndex('model_usage_created').on('model_usage').columns(['created_at']).execute()
  },
}
