import type { Migration } from '../src/database/migration/migration.ts'

export const roles: Migration = {
  name: '0007-roles',
  table: 'roles',
  reason: 'the org chart: prompt, needs, tools and reporting line of each role',
  columns: [
    'id',
    'title',
    'prompt',
    'needs',
    'tools',
    'denied_commands',
    'reports_to',
    'model_pin',
    'created_at',
    'updated_at',
  ],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('roles')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('title', 'text', (column) => column.notNull())
      .addColumn('prompt', 'text', (column) => column.notNull())
      .addColumn('needs', 'text', (column) => column.notNull())
      .addColumn('tools', 'text', (column) => column.notNull())
      .addColumn('denied_commands', 'text', (column) => column.notNull())
      .addColumn('reports_to', 'text')
      .addColumn('model_pin', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('roles_pk', ['id'])
      .execute()
  },
}
