/** `jobs run` without its mouth and ears: real or rehearsed work, the loop around it, and what it means at the end. */
import { Capabilities } from '../database/capabilities.ts'
import type { Migration } from '../database/migration/migration.ts'
import type { Database } from '../database/connection.ts'
import type { AttemptKey } from '../database/queries/fence.ts'
import { listJobProjects } from '../database/repositories/job-repository.ts'
import { OrchError } from '../errors/orch-error.ts'
import { attemptToken, isEarlierAttempt } from '../execution/command-watch.ts'
import { executeAttempt } from '../execution/execute-attempt.ts'
import type { ExecutionDeps } from '../execution/execution-deps.ts'
import { settleSpooled, sweepSpool } from '../execution/spooled-results.ts'
import { killAttempt, killAttempts } from '../workspace/process-tree.ts'
import { isAlive, ownIdentity } from '../workspace/process-identity.ts'
import { startHeartbeatThread, type HeartbeatSource } from './heartbeat-thread.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { requireProject } from './list-jobs.ts'
import { openScratch, simulatedWork, type Scratch } from './rehearsal.ts'
import type { SchedulerDeps } from './scheduler-types.ts'

/** What one run works on and how. */
export interface RunWork extends Pick<
  SchedulerDeps,
  'execute' | 'canReach' | 'killRemains' | 'spooled' | 'startHeartbeat' | 'shared'
> {
  readonly database: Database
  readonly tables: JobsDeps['tables']
  readonly databaseTrusted: boolean
  /** Null for a real run. */
  readonly scratch: Scratch | null
}

/** Real work: attempts are executed, workspaces must be in reach. */
export function realWork(deps: JobsDeps, execution: ExecutionDeps, heartbeat: HeartbeatSource | null = null): RunWork {
  return {
    database: deps.database,
    tables: deps.tables,
    databaseTrusted: deps.databaseTrusted,
    shared: deps.shared,
    scratch: null,
    canReach: deps.canReach,
    execute: async (attempt) => {
      // Whoever gave the job back: what an earlier attempt left running must not work beside this one.
      if (attempt.number > 1) await killEarlierAttempts({ jobId: attempt.job.id, attempt: attempt.number })
      return executeAttempt(execution, attempt)
    },
    ...(heartbeat === null ? {} : { startHeartbeat: (options) => startHeartbeatThread(heartbeat, options) }),
    spooled: {
      settle: (attempts) => settleSpooled(execution.calls, attempts),
      sweep: () => sweepSpool(execution.calls),
    },
    killRemains: async (jobId, attempt) => void (await killAttempt(attemptToken(jobId, attempt))),
  }
}

async function killEarlierAttempts(key: AttemptKey): Promise<void> {
  await killAttempts((token) => isEarlierAttempt(token, key))
}

export interface RehearsalOptions {
  readonly projectSlug: string | null
  readonly seed: number
  readonly latencyMs: number
  readonly failureRate: number
  readonly migrations: readonly Migration[]
  readonly toolVersion: string
}

/** Rehearsed work on a scratch copy. Throws ORCH_TABLE_MISSING when there is nothing to copy from. */
export async function rehearsedWork(
  deps: JobsDeps & Pick<SchedulerDeps, 'random'>,
  options: RehearsalOptions,
): Promise<RunWork> {
  await deps.tables.require(['projects', 'jobs', 'job_dependencies'], 'A rehearsal')
  const hasTasks = await deps.tables.has('tasks')
  const { database: source, clock, random } = deps
  const scratch = await openScratch({ ...options, source, hasTasks, clock, random })
  return {
    database: scratch.database,
    tables: new Capabilities(scratch.database, options.migrations, { clock }),
    databaseTrusted: true,
    scratch,
    canReach: () => true,
    execute: simulatedWork({ ...options, clock }),
    killRemains: async () => {},
  }
}

/** Throws ORCH_DATABASE_NEWER: a scheduler writes all the time, and must know what its rows mean. */
export async function refuseNewerDatabase(deps: JobsDeps): Promise<void> {
  const newer = await deps.tables.newer()
  if (newer.length === 0) return
  throw new OrchError('ORCH_DATABASE_NEWER', `Running jobs writes, and a newer orch made ${newer.join(', ')} here`, {
    hint: 'Update orch; reading still works with this version',
  })
}

/** Throws ORCH_NOT_FOUND when the project to run is not there; says nothing while its table is missing. */
export async function requireRunnableProject(deps: JobsDeps, slug: string | null): Promise<void> {
  if (slug === null || (await deps.tables.missing(['projects'])).length > 0) return
  requireProject(await listJobProjects(deps.database.db), slug)
}

/** Who this process is, and how it judges others. */
export function processJudge(): Pick<SchedulerDeps, 'identity' | 'isAlive'> {
  return { identity: ownIdentity(), isAlive }
}
