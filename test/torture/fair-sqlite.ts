/** Several runners and a foreign program on one file: nobody starves, nobody's event loop stands still. */
import { statSync } from 'node:fs'
import { sql } from 'kysely'
import { storeDrainRows } from '../support/drain-rows.ts'
import { quantile } from './calibrate.ts'
import type { FairRunnerInput, FairRunnerReport } from './fair-runner.ts'
import type { ForeignWriterInput, ForeignWriterReport } from './foreign-writer.ts'
import {
  atLeast,
  atMost,
  exactly,
  noted,
  type Figure,
  type OpenedDatabase,
  type Size,
  type TortureLine,
} from './line.ts'
import { ScriptProcess, withScript } from './scripts.ts'

interface Extent {
  readonly runMs: number
  readonly jobs: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { runMs: 1000, jobs: 4000 },
  normal: { runMs: 60_000, jobs: 200_000 },
  full: { runMs: 180_000, jobs: 600_000 },
}

const runners = 4
const walBoundMb = 64

export const fairSqlite: TortureLine = {
  name: 'fair-sqlite',
  promise:
    'on one SQLite file beside a foreign program that writes without pause every runner gets its share and none freezes',
  engines: ['SQLite'],
  run: (scene, size) =>
    withScript('fair-runner', (runner) =>
      withScript('foreign-writer', async (writer) => {
        const opened = await scene.open()
        await storeDrainRows(opened.database, { count: extents[size].jobs })
        // What storing them wrote in one transaction is not the runners' doing.
        await sql`pragma wal_checkpoint(truncate)`.execute(opened.database.db)
        return figuresOf(await play(opened, { runner, writer, runMs: extents[size].runMs, seed: scene.seed }), size)
      }),
    ),
}

interface Played {
  readonly reports: readonly FairRunnerReport[]
  readonly writer: ForeignWriterReport
  readonly largestWalMb: number
}

interface PlayOptions {
  readonly runner: string
  readonly writer: string
  readonly runMs: number
  readonly seed: number
}

async function play({ url }: OpenedDatabase, { runner, writer, runMs, seed }: PlayOptions): Promise<Played> {
  const input: ForeignWriterInput = { url, runMs }
  const foreign = new ScriptProcess(writer, input)
  const processes = Array.from({ length: runners }, (_, index) => {
    const runnerInput: FairRunnerInput = { url, seed: seed * 100 + index, runMs }
    return new ScriptProcess(runner, runnerInput)
  })
  await Promise.all([foreign, ...processes].map((one) => one.ready()))
  for (const one of [foreign, ...processes]) one.go()
  let largestWalMb = 0
  const look = setInterval(() => {
    const bytes = statSync(`${url}-wal`, { throwIfNoEntry: false })?.size ?? 0
    largestWalMb = Math.max(largestWalMb, bytes / 2 ** 20)
  }, 100)
  try {
    const reports = await Promise.all(processes.map((one) => one.result<FairRunnerReport>()))
    return { reports, writer: await foreign.result<ForeignWriterReport>(), largestWalMb }
  } finally {
    clearInterval(look)
  }
}

function figuresOf({ reports, writer, largestWalMb }: Played, size: Size): readonly Figure[] {
  const stalls = reports.flatMap((report) => report.stallsMs)
  const claims = reports.reduce((total, report) => total + report.claimed, 0)
  const fewest = Math.min(...reports.map((report) => report.claimed))
  const troubles = reports.flatMap((report) => report.troubles)
  const timed = [
    atMost('event-loop stall p99', quantile(stalls, 0.99), { limit: 50, unit: 'ms' }),
    atMost(
      'event-loop stall max',
      stalls.reduce((most, one) => Math.max(most, one), 0),
      {
        limit: Math.max(250, 2 * writer.slowestMs),
        unit: 'ms',
      },
    ),
    atLeast('share of the claims of the runner that got the fewest', fewest / claims, { limit: 0.1 }),
  ]
  return [
    noted('claims of the runners', reports.map((report) => report.claimed).join(' ')),
    noted('commits of the foreign program, slowest', `${writer.commits}, ${writer.slowestMs.toFixed(1)} ms`),
    atLeast('claims of the runner that got the fewest', fewest, { limit: 1 }),
    exactly('troubles shown', troubles.length, 0),
    // A second says nothing about stalls and shares.
    ...(size === 'short' ? [] : timed),
    atMost('largest WAL', largestWalMb, { limit: walBoundMb, unit: 'MiB' }),
  ]
}
