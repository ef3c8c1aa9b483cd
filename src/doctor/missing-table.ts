import type { TableName } from '../database/tables.ts'

/** What works less or not at all while a table is missing (DESIGN section 6). */
export const withoutTable: Readonly<Record<TableName, string>> = {
  provider_config: 'providers cannot be stored: only environment keys and local servers count',
  provider_health: 'cooldowns of providers last for one process only',
  orchestrator_config: 'settings cannot be shared: files and environment only',
  model_registry: 'models are listed live and nothing about them is kept',
  model_usage: 'calls are not accounted for; under a budget or limit nothing is spent',
  projects: 'plans are kept as files only, and no job runs',
  roles: 'the built-in roles only',
  jobs: 'no job is stored or run',
  job_dependencies: 'no plan is stored and no job runs',
  attempts: 'no job runs',
  tasks: 'every job has one implicit task',
  errands: 'an interrupted job starts again from its beginning',
  job_events: 'no history of jobs',
  reservations: 'under a budget or limit nothing is spent',
  job_locks: 'jobs that write to the same place are not kept apart: none of them runs',
  scheduler_instances: "a dead scheduler's jobs wait until their lease ends",
  orch_migrations: 'nothing was migrated here yet',
}
