import type { CallDeps } from '../calls/call-deps.ts'
import type { DatabaseFailure } from '../database/dialect/dialect.ts'
import type { ExecutionDeps } from './execution-deps.ts'

/** The database's return should be noticed soon by everybody who waits for it. */
const longestPauseMs = 2000
const shortestPauseMs = 50

type PatienceDeps = Pick<CallDeps, 'database' | 'clock' | 'random'>

/** Whether waiting helps: the database is away, or somebody has kept it locked for longer than one write waits. */
export function isAway(failure: DatabaseFailure): boolean {
  return failure === 'outage' || failure === 'contention'
}

/**
 * Repeats work while the database is away, with growing jittered pauses, until the signal is aborted; then the
 * last failure is thrown. What was paid for is in the spool meanwhile, so waiting costs nothing. An answer that was
 * lost on the way does not tell whether the work was done: it must be fit to be done twice.
 */
export async function patiently<T>(
  { database, clock, random }: PatienceDeps,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let round = 0; ; round += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isAway(database.dialect.classify(error)) || signal.aborted) throw error
    }
    const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(round, 10))
    await clock.sleep(pauseMs * (0.5 + random.next() / 2), signal)
  }
}

/**
 * The same dependencies for one attempt, with everything that asks the database patient: an outage makes an attempt
 * wait, and is never a failure of its job.
 */
export function patientDeps(deps: ExecutionDeps, signal: AbortSignal): ExecutionDeps {
  const { calls, roles } = deps
  const wait = <T>(work: () => Promise<T>) => patiently(calls, signal, work)
  return {
    ...deps,
    roles: { get: (id) => wait(() => roles.get(id)) },
    calls: {
      ...calls,
      tables: { missing: (tables) => wait(() => calls.tables.missing(tables)) },
      providers: { client: (provider) => wait(() => calls.providers.client(provider)) },
      choose: (wish) => wait(() => calls.choose(wish)),
      health: {
        cooldownUntil: (providerId, modelId) => wait(() => calls.health.cooldownUntil(providerId, modelId)),
        recordSuccess: (providerId, modelId) => calls.health.recordSuccess(providerId, modelId),
        recordFailure: (providerId, modelId, failure) => calls.health.recordFailure(providerId, modelId, failure),
      },
    },
  }
}
