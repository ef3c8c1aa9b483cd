import type { Migration } from '../src/database/migration/migration.ts'

export const schedulerInstances: Migration = {
  name: '0016-scheduler-instances',
  table: 'scheduler_instances',
  reason: 'who runs jobs, on which host and process',
  columns: [
    'id',
    'host',
    'boot_id',
    'pid_namespace',
    'pid',
    'process_started_at',
    'version',
    'concurrency',
    'started_at',
    'heartbeat_at',
    'stopped_at',
  ],
  indexes: [],
  up: async (db) => {
    await db.schema
      .createTable('scheduler_instances')
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('boot_id', 'text', (column) => column.notNull())
      .addColumn('pid_namespace', 'text', (column) => column.notNull())
      .addColumn('pid', 'integer', (column) => column.notNull())
      .addColumn('process_started_at', 'text', (column) => column.notNull())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('concurrency', 'integer', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('heartbeat_at', 'bigint', (column) => column.notNull())
      .addColumn('stopped_at', 'bigint')
      .addPrimaryKeyConstraint('scheduler_instances_pk', ['id'])
      .execute()
  },
}
