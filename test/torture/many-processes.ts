/** Many schedulers on one database: who starts what is decided once. */
import type { Database } from '../../src/database/connection.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { storeRows } from '../support/job-rows.ts'
import { atLeast, exactly, noted, type Figure, type OpenedDatabase, type Size, type TortureLine } from './line.ts'
import type { NoOpRunnerInput, NoOpRunnerReport } from './no-op-runner.ts'
import { ScriptProcess, withScript } from './scripts.ts'

interface Extent {
  readonly processes: number
  readonly jobs: number
  readonly seeds: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { processes: 3, jobs: 300, seeds: 1 },
  normal: { processes: 8, jobs: 20_000, seeds: 3 },
  full: { processes: 8, jobs: 20_000, seeds: 20 },
}

export const manyProcesses: TortureLine = {
  name: 'many-processes',
  promise:
    'any number of schedulers share one database: each attempt runs once, each job completes once, no lock error shows',
  run: (scene, size) =>
    withScript('no-op-runner', async (script) => {
      const extent = extents[size]
      const rounds: Round[] = []
      for (let index = 0; index < extent.seeds; index++) {
        rounds.push(await playRound(await scene.open(), { script, extent, seed: scene.seed + index }))
      }
      return figuresOf(rounds, size)
    }),
}

interface Round {
  readonly repeated: number
  readonly notOnce: number
  readonly lockErrors: readonly string[]
  /** Jobs of the process that got the fewest. */
  readonly fewest: number
  readonly jobsPerSecond: number
}

interface RoundOptions {
  readonly script: string
  readonly extent: Extent
  readonly seed: number
}

/** All processes start together; what they executed is compared with what the database says. */
async function playRound(opened: OpenedDatabase, { script, extent, seed }: RoundOptions): Promise<Round> {
  const jobs = Array.from({ length: extent.jobs }, (_, index) => ({ key: `job-${index}` }))
  await storeRows(opened.database, { jobs })
  const random = seededRandom(seed)
  const { url, schema } = opened
  const processes = Array.from({ length: extent.processes }, (_, index) => {
    const concurrency = 5 + Math.floor(random.next() * 60)
    const input: NoOpRunnerInput = { url, schema, concurrency, seed: seed * 100 + index }
    return new ScriptProcess(script, input)
  })
  await Promise.all(processes.map((one) => one.ready()))
  const begin = performance.now()
  for (const one of processes) one.go()
  const reports = await Promise.all(processes.map((one) => one.result<NoOpRunnerReport>()))
  const seconds = (performance.now() - begin) / 1000
  const executed = reports.flatMap((report) => report.executed)
  const stderr = processes.map((one) => one.stderr).filter((text) => text !== '')
  return {
    repeated: executed.length - new Set(executed).size,
    notOnce: await countNotOnce(opened.database, extent.jobs),
    lockErrors: [...reports.flatMap((report) => report.troubles), ...stderr],
    fewest: Math.min(...reports.map((report) => report.executed.length)),
    jobsPerSecond: extent.jobs / seconds,
  }
}

/** Jobs that are not completed, or have another number of completed attempts than one. */
async function countNotOnce({ db }: Database, jobs: number): Promise<number> {
  const rows = await db
    .selectFrom('jobs')
    .innerJoin('attempts', 'attempts.job_id', 'jobs.id')
    .select((eb) => ['jobs.id', eb.fn.countAll<number>().as('completions')])
    .where('jobs.state', '=', 'completed')
    .where('attempts.outcome', '=', 'completed')
    .groupBy('jobs.id')
    .execute()
  return jobs - rows.filter((row) => Number(row.completions) === 1).length
}

function figuresOf(rounds: readonly Round[], size: Size): readonly Figure[] {
  const extent = extents[size]
  const fewest = Math.min(...rounds.map((round) => round.fewest))
  const share = 'jobs of the process that got the fewest'
  const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0)
  const lockErrors = rounds.flatMap((round) => round.lockErrors)
  return [
    noted('processes x jobs x seeds', `${extent.processes} x ${extent.jobs} x ${extent.seeds}`),
    exactly(
      'repeated (job, attempt)',
      sum((round) => round.repeated),
      0,
    ),
    exactly(
      'jobs not completed exactly once',
      sum((round) => round.notOnce),
      0,
    ),
    exactly('lock errors shown', lockErrors.length, 0),
    ...lockErrors.slice(0, 3).map((text) => noted('shown', text.slice(0, 200))),
    // So few jobs may be over before a process on a busy machine has begun.
    size === 'short' ? noted(share, fewest) : atLeast(share, fewest, { limit: 1 }),
    noted(
      'jobs per second, median',
      rounds.map((round) => round.jobsPerSecond).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? 0,
    ),
  ]
}
