/** What dependencies cost: the same number of jobs with them and without. */
import { drain, shapes, storeDrainRows } from '../support/drain-rows.ts'
import { atLeast, exactly, noted, type Figure, type Scene, type Size, type TortureLine } from './line.ts'

interface Extent {
  readonly jobs: number
  readonly chain: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { jobs: 60, chain: 10 },
  normal: { jobs: 10_000, chain: 2000 },
  full: { jobs: 10_000, chain: 10_000 },
}

const concurrency = 100
/** A tenth of the jobs each, before anything is measured: code gets compiled, files grow. */
const warmUp = 10

export const dagThroughput: TortureLine = {
  name: 'dag-throughput',
  promise:
    'jobs with dependencies run at half the rate of jobs without, whatever the shape, each after all it waits for',
  run: async (scene, size) => {
    const { jobs, chain } = extents[size]
    await play(scene, { shape: 'layered', jobs: Math.ceil(jobs / warmUp), atOnce: concurrency })
    const free = await play(scene, { shape: 'no dependencies', jobs, atOnce: concurrency })
    const figures: Figure[] = [noted('jobs', jobs), noted('jobs per second without dependencies', free.rate)]
    for (const shape of ['fan-out', 'fan-in', 'layered'] as const) {
      const round = await play(scene, { shape, jobs, atOnce: concurrency })
      figures.push(...figuresOf(shape, round, { free, size }))
    }
    const single = await play(scene, { shape: 'no dependencies', jobs: chain, atOnce: 1 })
    const chained = await play(scene, { shape: 'chain', jobs: chain, atOnce: 1 })
    figures.push(
      noted('jobs per second one by one', single.rate),
      ...figuresOf('chain', chained, { free: single, size }),
    )
    return figures
  },
}

interface Round {
  readonly rate: number
  readonly notCompleted: number
  /** Starts before a dependency had completed. */
  readonly early: number
}

async function play(
  scene: Scene,
  { shape, jobs, atOnce }: { readonly shape: keyof typeof shapes; readonly jobs: number; readonly atOnce: number },
): Promise<Round> {
  const { database } = await scene.open()
  const dependsOn = shapes[shape](jobs)
  const ids = await storeDrainRows(database, { count: jobs, dependsOn })
  const places = new Map(ids.map((id, place) => [id, place]))
  const started = new Set<number>()
  let early = 0
  const { completed, rate } = await drain(database, atOnce, ({ job }) => {
    const place = places.get(job.id) ?? 0
    // A no-op job is over before another one can start, so what has started has ended.
    if (dependsOn(place).some((on) => !started.has(on))) early += 1
    started.add(place)
  })
  return { rate, notCompleted: jobs - completed, early }
}

function figuresOf(
  shape: string,
  round: Round,
  { free, size }: { readonly free: Round; readonly size: Size },
): readonly Figure[] {
  const share = round.rate / free.rate
  return [
    exactly(`${shape}: jobs not completed`, round.notCompleted, 0),
    exactly(`${shape}: starts before a dependency`, round.early, 0),
    // So few jobs say nothing about speed.
    ...(size === 'short' ? [] : [atLeast(`${shape}: share of the rate without dependencies`, share, { limit: 0.5 })]),
  ]
}
