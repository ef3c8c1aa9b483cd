import type { Migration } from '../src/database/migration/migration.ts'

export const errands: Migration = {
  name: '0012-errands',
  table: 'errands',
  reason: 'the journal: every model call, tool call and command, so that none is paid for twice',
  columns: [
    'id',
    'job_id',
    'try',
    'ordinal',
    'task_ordinal',
    'kind',
    'name',
    'request_hash',
    'request',
    'status',
    'output',
    'error_class',
    'before_hash',
    'attempt',
    'started_at',
    'ended_at',
  ],
  indexes: ['errands_journal'],
  up: async (db) => {
    await db.schema
      .createTable('errands')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('job_id', 'text', (column) => column.notNull())
      .addColumn('try', 'integer', (column) => column.notNull())
      .addColumn('ordinal', 'integer', (column) => column.notNull())
      .addColumn('task_ordinal', 'integer', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('request_hash', 'text', (column) => column.notNull())
      .addColumn('request', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('output', 'text')
      .addColumn('error_class', 'text')
      .addColumn('before_hash', 'text')
      .addColumn('attempt', 'integer', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .addPrimaryKeyConstraint('errands_pk', ['id'])
      .execute()
    await db.schema
      .createIndex('errands_journal')
      .on('errands')
      .unique()
      .columns(['job_id', 'try', 'ordinal'])
      .execute()
  },
}
