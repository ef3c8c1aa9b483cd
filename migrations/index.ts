import type { Migration } from '../src/database/migration/migration.ts'
import { providerConfig } from './0001-provider-config.ts'
import { providerHealth } from './0002-provider-health.ts'
import { orchestratorConfig } from './0003-orchestrator-config.ts'
import { modelRegistry } from './0004-model-registry.ts'
import { modelUsage } from './0005-model-usage.ts'
import { projects } from './0006-projects.ts'
import { roles } from './0007-roles.ts'
import { jobs } from './0008-jobs.ts'
import { jobDependencies } from './0009-job-dependencies.ts'
import { attempts } from './0010-attempts.ts'
import { tasks } from './0011-tasks.ts'
import { errands } from './0012-errands.ts'
import { jobEvents } from './0013-job-events.ts'
import { reservations } from './0014-reservations.ts'
import { jobLocks } from './0015-job-locks.ts'
import { schedulerInstances } from './0016-scheduler-instances.ts'
import { jobsLine } from './0017-jobs-line.ts'

/** Every migration in order. Append only. */
export const migrations: readonly Migration[] = [
  providerConfig,
  providerHealth,
  orchestratorConfig,
  modelRegistry,
  modelUsage,
  projects,
  roles,
  jobs,
  jobDependencies,
  attempts,
  tasks,
  errands,
  jobEvents,
  reservations,
  jobLocks,
  schedulerInstances,
  jobsLine,
]
