/**
 * `jobs run --rehearse`: the real scheduler on a scratch copy, with simulated work. No row of the real
 * database changes, no command runs, no file of a workspace is touched, nothing is sent anywhere.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '../database/connection.ts'
import { copyForRehearsal } from '../database/queries/copy-for-rehearsal.ts'
import type { Attempt, Outcome } from '../execution/attempt.ts'
import type { Clock } from '../runtime/clock.ts'
import { seededRandom } from '../runtime/random.ts'
import { openScratchArea, type ScratchDeps } from './scratch-area.ts'

export interface Scratch {
  readonly database: Database
  readonly path: string
  /** Jobs that were copied. */
  readonly jobs: number
  /** Closes the scratch database, and removes it unless it is kept. */
  end(keep: boolean): Promise<void>
}

export interface ScratchOptions extends ScratchDeps {
  readonly source: Database
  readonly projectSlug: string | null
  readonly hasTasks: boolean
}

/** Makes the scratch database: a file of its own in the system's temporary directory. */
export async function openScratch(options: ScratchOptions): Promise<Scratch> {
  const { source, projectSlug, hasTasks } = options
  const area = await openScratchArea({ url: join(tmpdir(), 'orch.db'), purpose: 'rehearsal' }, options)
  try {
    const jobs = await copyForRehearsal(source.db, area.database, { projectSlug, hasTasks })
    return { database: area.database, path: area.url, jobs, end: area.end }
  } catch (error) {
    await area.end()
    throw error
  }
}

export interface Simulation {
  readonly seed: number
  /** Time of one simulated model call or command. */
  readonly latencyMs: number
  /** Share of attempts that fail, 0 to 1. */
  readonly failureRate: number
  readonly clock: Clock
}

/** Work that only takes time. The same seed gives every attempt the same fate, in whatever order they run. */
export function simulatedWork(simulation: Simulation): (attempt: Attempt) => Promise<Outcome> {
  return async (attempt) => {
    const random = seededRandom(hash(`${simulation.seed}/${attempt.project.slug}/${attempt.job.key}/${attempt.try}`))
    const steps = Math.max(1, attempt.job.plan.tasks.length)
    // Between half and one and a half times the latency each, as real calls vary.
    for (let step = 0; step < steps && !attempt.signal.aborted; step++) {
      await simulation.clock.sleep(simulation.latencyMs * (0.5 + random.next()), attempt.signal)
    }
    if (attempt.signal.aborted) return { kind: 'released', reason: 'the rehearsal was stopped' }
    if (random.next() < simulation.failureRate) {
      const failure = { errorClass: 'server', message: 'a simulated failure', evidence: [] }
      return { kind: 'failed', failure, retryable: true }
    }
    const summary = `Rehearsal: ${attempt.job.key} was simulated, nothing was done`
    return { kind: 'completed', result: { summary, files: [], claims: [], reply: null }, evidence: [], rehearsed: true }
  }
}

/** FNV-1a, 32 bits: spreads similar texts over all seeds. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0
  return value
}
