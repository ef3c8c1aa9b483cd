import type { Migration } from '../src/database/migration/migration.ts'

export const projects: Migration = {
  name: '0006-projects',
  table: 'projects',
  reason: 'goals, their approval, workspace and budget',
  columns: [
    'id',
    'slug',
    'goal',
    'status',
    'workspace',
    'budget_micro_usd',
    'commands',
    'plan_hash',
    'approved_hash',
    'approved_at',
    'approved_by',
    'created_at',
    'updated_at',
  ],
  indexes: ['projects_slug'],
  up: async (db) => {
    await db.schema
      .createTable('projects')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('slug', 'text', (column) => column.notNull())
      .addColumn('goal', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('workspace', 'text', (column) => column.notNull())
      .addColumn('budget_micro_usd', 'bigint')
      .addColumn('commands', 'text', (column) => column.notNull())
      .addColumn('plan_hash', 'text', (column) => column.notNull())
      .addColumn('approved_hash', 'text')
      .addColumn('approved_at', 'bigint')
      .addColumn('approved_by', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('projects_pk', ['id'])
      .execute()
    await db.schema.createIndex('projects_slug').on('projects').unique().columns(['slug']).execute()
  },
}
