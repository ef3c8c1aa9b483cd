/** The real scheduler on jobs whose work takes no time: what is left is what orch and the database add. */
import { findProject } from '../../database/repositories/project-repository.ts'
import { putStoredSetting } from '../../database/repositories/setting-repository.ts'
import { openDatabase, type Database } from '../../database/connection.ts'
import type { Capabilities } from '../../database/capabilities.ts'
import type { Outcome } from '../../execution/attempt.ts'
import { storePlan } from '../../planning/store-plan.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Ids } from '../../runtime/ids.ts'
import { seededRandom } from '../../runtime/random.ts'
import { processJudge } from '../run-jobs.ts'
import { SchedulerRun } from '../scheduler-run.ts'
import { Scheduler } from '../scheduler.ts'
import type { SchedulerDeps, SchedulerEvent, SchedulerOptions } from '../scheduler-types.ts'
import type { ScratchArea } from '../scratch-area.ts'
import { benchPlan } from './bench-plan.ts'
import { measureFsync } from '../measure/measure-fsync.ts'
import { measureSpread, spreadOf, type Spread } from '../measure/spread.ts'

export interface BenchScene {
  readonly area: ScratchArea
  readonly tables: Capabilities
  readonly clock: Clock
  readonly ids: Ids
  readonly signal: AbortSignal
  readonly seed: number
  readonly version: string
}

const done: Outcome = {
  kind: 'completed',
  result: { summary: 'done', files: [], claims: [], reply: null },
  evidence: [],
  rehearsed: true,
}
const planned = { workspace: '/', approvedBy: 'orch bench', onTakenSlug: 'refuse' } as const
const longestPartMs = 30_000

/** Jobs per second of one run, from its start until everything is completed. */
export async function measureThroughput(
  scene: BenchScene,
  { jobs, concurrency }: { readonly jobs: number; readonly concurrency: number },
): Promise<number> {
  const { area, clock, signal } = scene
  await storePlan(
    { database: area.database, tables: scene.tables, ids: scene.ids },
    benchPlan('throughput', jobs, seededRandom(scene.seed)),
    planned,
  )
  let ended = 0
  let lastMs = 0
  const notify = (event: SchedulerEvent) => {
    if (event.kind !== 'ended') return
    ended += 1
    lastMs = clock.monotonic()
  }
  const run = startRun(scene, { slug: 'throughput', concurrency, notify, untilIdle: true })
  const beganMs = clock.monotonic()
  const stop = () => run.stop()
  signal.addEventListener('abort', stop, { once: true })
  await run.run()
  signal.removeEventListener('abort', stop)
  return ended === 0 ? 0 : (ended * 1000) / Math.max(1, lastMs - beganMs)
}

/** One job at a time: each sample ends the job before and claims the next, in one commit. */
export async function measureClaims(scene: BenchScene, claims: number): Promise<Spread> {
  const { area, clock, signal, tables, ids } = scene
  const plan = benchPlan('claims', claims + 1, seededRandom(scene.seed))
  await storePlan({ database: area.database, tables, ids }, plan, planned)
  const scheduler = new Scheduler(
    schedulerDeps(scene, () => {}),
    schedulerOptions(scene, 'claims', 1),
  )
  try {
    await scheduler.tick()
    return await measureSpread({ clock, signal, times: claims, longestMs: longestPartMs }, async () => {
      await settled()
      await scheduler.tick()
    })
  } finally {
    await scheduler.stop(0)
    await scheduler.leave()
  }
}

/** From the commit of a job by another connection until an idle scheduler starts it. */
export async function measureStartLatency(scene: BenchScene, samples: number): Promise<Spread> {
  const { clock, ids, signal, tables } = scene
  const random = seededRandom(scene.seed)
  const starts = new Map<string, (atMs: number) => void>()
  const notify = (event: SchedulerEvent) => {
    if (event.kind === 'started') starts.get(event.claimed.project.slug)?.(clock.monotonic())
  }
  const run = startRun(scene, { slug: null, concurrency: 1, notify, untilIdle: false })
  const other = await openOther(scene)
  const running = run.run()
  const tookMs: number[] = []
  try {
    for (let sample = 0; sample < samples && !signal.aborted; sample += 1) {
      await clock.sleep(50 + random.next() * 150, signal)
      const slug = `start-${sample}`
      const started = new Promise<number>((resolve) => void starts.set(slug, resolve))
      await storePlan({ database: other, tables, ids }, benchPlan(slug, 1, random), planned)
      const storedMs = clock.monotonic()
      const over = new AbortController()
      const giveUp = clock.sleep(longestPartMs, AbortSignal.any([signal, over.signal])).then(() => null)
      const startedMs = await Promise.race([started, giveUp])
      over.abort()
      if (startedMs !== null) tookMs.push(Math.max(0, startedMs - storedMs))
    }
  } finally {
    run.stop()
    await running
    await other.close()
  }
  return spreadOf(tookMs)
}

/** What every figure above is made of. */
export interface DatabaseFigures {
  /** One small durable commit. */
  readonly commit: Spread
  /** One read. */
  readonly question: Spread
  /** A page written and flushed beside the file; null where the disk is the server's. */
  readonly fsync: Spread | null
}

export async function measureDatabase(scene: BenchScene, times: number): Promise<DatabaseFigures> {
  const { area, clock, signal } = scene
  const repetition = { clock, signal, times, longestMs: 3000 }
  const write = () =>
    area.database.write((trx) => putStoredSetting(trx, { key: 'limits.turns', value: 1, at: clock.now() }))
  // The first of each prepares its statement.
  await write()
  return {
    commit: await measureSpread(repetition, write),
    question: await measureSpread(repetition, () => findProject(area.database.db, 'nobody')),
    fsync: area.schema === null ? await measureFsync(area.name, repetition) : null,
  }
}

function openOther({ area, clock }: BenchScene): Promise<Database> {
  const schema = area.schema === null ? {} : { schema: area.schema }
  return openDatabase(area.url, { clock, random: seededRandom(1), connections: 1, ...schema })
}

interface BenchRun {
  readonly slug: string | null
  readonly concurrency: number
  readonly notify: (event: SchedulerEvent) => void
  readonly untilIdle: boolean
}

function startRun(scene: BenchScene, { slug, concurrency, notify, untilIdle }: BenchRun): SchedulerRun {
  const end = { untilIdle, maxWaitMs: 0, graceMs: 0 }
  return new SchedulerRun(schedulerDeps(scene, notify), { ...schedulerOptions(scene, slug, concurrency), ...end })
}

function schedulerDeps(scene: BenchScene, notify: SchedulerDeps['notify']): SchedulerDeps {
  const { area, tables, clock, ids, seed } = scene
  return {
    ...processJudge(),
    database: area.database,
    tables,
    clock,
    ids,
    random: seededRandom(seed),
    execute: async () => done,
    canReach: () => true,
    killRemains: async () => {},
    notify,
  }
}

function schedulerOptions({ version }: BenchScene, projectSlug: string | null, concurrency: number): SchedulerOptions {
  return { concurrency, projectSlug, leaseMs: 20_000, databaseTrusted: true, version }
}

/** Lets the outcome of work that took no time be noted. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
