/** Thousands of jobs that do nothing, in the shapes that plans have, and a scheduler that works them off. */
import { insertEdges, insertJobs, insertTasks, type NewJob } from '../../src/database/repositories/plan-repository.ts'
import type { Database } from '../../src/database/connection.ts'
import { pathLengths } from '../../src/domain/plan-graph.ts'
import type { Attempt } from '../../src/execution/attempt.ts'
import { systemIds } from '../../src/runtime/ids.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import type { SchedulerEvent } from '../../src/scheduling/scheduler-types.ts'
import { projectRow } from './job-rows.ts'
import { aJob } from './plan-builder.ts'
import { aRun, completedOutcome } from './scheduling.ts'

/** The places of a job's dependencies, each smaller than its own. */
export type DependsOn = (place: number) => readonly number[]

export const shapes = {
  'no dependencies': () => () => [],
  'fan-out': () => (place) => (place === 0 ? [] : [0]),
  'fan-in': (count) => (place) => (place < count - 1 ? [] : Array.from({ length: count - 1 }, (_, index) => index)),
  chain: () => (place) => (place === 0 ? [] : [place - 1]),
  layered: (count) => layered(count, 100),
} as const satisfies Record<string, (count: number) => DependsOn>

/** Each job behind two random ones of the layer before its own. */
function layered(count: number, layers: number): DependsOn {
  const random = seededRandom(7)
  const width = Math.max(1, Math.floor(count / layers))
  const drawn = Array.from({ length: count }, (_, place) => {
    const layer = Math.floor(place / width)
    const pick = () => (layer - 1) * width + Math.floor(random.next() * width)
    return layer === 0 ? [] : [...new Set([pick(), pick()])]
  })
  return (place) => drawn[place] ?? []
}

export interface DrainRows {
  readonly slug?: string
  readonly count: number
  readonly dependsOn?: DependsOn
  /** Each job holds one lock of its own while it runs; default true, because most real jobs hold some. */
  readonly locks?: boolean
  /** Default: one that is not there. */
  readonly workspace?: string
  /** What the jobs are pinned to; default: nothing. */
  readonly model?: string
}

/** Stores an approved project of such jobs. Returns their ids by place. */
export async function storeDrainRows(database: Database, rows: DrainRows): Promise<readonly string[]> {
  const { slug = 'drain', count, dependsOn = () => [] } = rows
  const at = await database.now()
  await database.db
    .insertInto('projects')
    .values(projectRow(slug, at, { workspace: rows.workspace ?? `/srv/${slug}` }))
    .execute()
  const ids = Array.from({ length: count }, () => systemIds.next())
  const jobs = newJobs(rows, ids)
  const edges = jobs.flatMap(({ id }, place) =>
    dependsOn(place).map((on) => ({ jobId: id, dependsOnId: ids[on] ?? '' })),
  )
  await database.write(async (trx) => {
    await insertJobs(trx, jobs, at)
    await insertEdges(trx, edges)
    await insertTasks(trx, jobs, at)
  })
  return ids
}

function newJobs(rows: DrainRows, ids: readonly string[]): readonly NewJob[] {
  const { slug = 'drain', count, dependsOn = () => [], locks = true, model = null } = rows
  const nodes = ids.map((_, place) => ({
    key: `j${place}`,
    dependsOn: dependsOn(place).map((on) => `j${on}`),
    priority: 1,
  }))
  const lengths = pathLengths(nodes)
  return Array.from({ length: count }, (_, place): NewJob => {
    const key = `j${place}`
    const waitsFor = dependsOn(place)
    return {
      id: ids[place] ?? '',
      projectId: slug,
      plan: aJob({ key, dependsOn: waitsFor.map((on) => `j${on}`).slice(0, 20), locks: locks ? [key] : [], model }),
      state: waitsFor.length > 0 ? 'blocked' : 'ready',
      blockedBy: waitsFor.length,
      effectivePriority: 1,
      pathLength: lengths.get(key) ?? 1,
      skippedBecause: null,
    }
  })
}

export interface Drained {
  readonly ms: number
  readonly completed: number
  /** Jobs per second. */
  readonly rate: number
}

/** Runs one scheduler until nothing is left. */
export async function drain(
  database: Database,
  concurrency: number,
  onStart: (attempt: Attempt) => void = () => {},
): Promise<Drained> {
  let completed = 0
  let lastMs = performance.now()
  const notify = (event: SchedulerEvent) => {
    if (event.kind !== 'ended' || event.report?.state !== 'completed') return
    completed += 1
    lastMs = performance.now()
  }
  const execute = async (attempt: Attempt) => {
    onStart(attempt)
    return completedOutcome
  }
  const { run } = aRun(database, { deps: { notify, execute }, options: { concurrency } })
  const begin = performance.now()
  await run.run()
  const ms = lastMs - begin
  return { ms, completed, rate: (completed / ms) * 1000 }
}
