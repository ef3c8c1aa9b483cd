/**
 * `jobs run --rehearse`: the real scheduler on a scratch copy, with simulated work. No row of the real
 * database changes, no command runs, no file of a workspace is touched, nothing is sent anywhere.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase, type Database } from '../database/connection.ts'
import { copyForRehearsal } from '../database/queries/copy-for-rehearsal.ts'
import { migrate } from '../database/migration/migrate.ts'
import type { Migration } from '../database/migration/migration.ts'
import type { Attempt, Outcome } from '../execution/attempt.ts'
import type { Clock } from '../runtime/clock.ts'
import { seededRandom, type Random } from '../runtime/random.ts'

export interface Scratch {
  readonly database: Database
  readonly path: string
  /** Jobs that were copied. */
  readonly jobs: number
  /** Closes the scratch database, and removes it unless it is kept. */
  end(keep: boolean): Promise<void>
}

export interface ScratchOptions {
  readonly source: Database
  readonly projectSlug: string | null
  readonly hasTasks: boolean
  readonly migrations: readonly Migration[]
  readonly clock: Clock
  readonly random: Random
  readonly toolVersion: string
}

/** Makes the scratch database: a file of its own in a fresh temporary directory. */
export async function openScratch(options: ScratchOptions): Promise<Scratch> {
  const { source, projectSlug, hasTasks, migrations, clock, random, toolVersion } = options
  const directory = await mkdtemp(join(tmpdir(), 'orch-rehearsal-'))
  const path = join(directory, 'orch.db')
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const database = await openDatabase(path, { clock, random, create: true })
    await migrate(database, { migrations, clock, toolVersion })
    const jobs = await copyForRehearsal(source.db, database, { projectSlug, hasTasks })
    const end = async (keep: boolean) => {
      await database.close()
      if (!keep) await remove()
    }
    return { database, path, jobs, end }
  } catch (error) {
    await remove()
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
