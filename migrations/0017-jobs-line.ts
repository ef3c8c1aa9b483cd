import { expressionBuilder } from 'kysely'
import type { Migration } from '../src/database/migration/migration.ts'

/** Columns that the conditions name besides the indexed ones. */
const job = expressionBuilder<{ jobs: { state: string; ready_at: number | null; hold: string | null } }, 'jobs'>()

export const jobsLine: Migration = {
  name: '0017-jobs-line',
  table: 'jobs',
  reason: 'finds what may start without reading what is not due, held, or in a project that may not start',
  columns: [],
  indexes: ['jobs_ready', 'jobs_due'],
  onlyFaster: true,
  up: async (db) => {
    // The state comes first although it is always the same: SQLite would else prefer `jobs_claim`, where it does.
    await db.schema
      .createIndex('jobs_ready')
      .on('jobs')
      .columns(['state', 'project_id', 'effective_priority desc', 'path_length desc', 'ready_at', 'id'])
      .where(job.and([job('state', '=', 'ready'), job('ready_at', 'is not', null), job('hold', 'is', null)]))
      .execute()
    await db.schema
      .createIndex('jobs_due')
      .on('jobs')
      .columns(['state', 'run_at'])
      .where(job.and([job('state', '=', 'ready'), job('ready_at', 'is', null)]))
      .execute()
  },
}
