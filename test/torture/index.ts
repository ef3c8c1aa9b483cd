// Long forms of the promises. usage: npm run torture [-- name...] [--full]
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import buildDist from '../support/build-dist.ts'
import { blackHole } from './black-hole.ts'
import { killChildren } from './children.ts'
import { exactLimits } from './exact-limits.ts'
import { frozenRunner } from './frozen-runner.ts'
import { claimCost } from './claim-cost.ts'
import { database, itemLine } from './database.ts'
import { databaseItems } from './database/index.ts'
import { dagThroughput } from './dag-throughput.ts'
import { fairSqlite } from './fair-sqlite.ts'
import { dagModel } from './dag-model.ts'
import { killDag } from './kill-dag.ts'
import type { TortureLine } from './line.ts'
import { manyProcesses } from './many-processes.ts'
import { paidAnswers } from './paid-answers.ts'
import { memory } from './memory.ts'
import { postgresRestarts } from './postgres-restarts.ts'
import { runLines } from './run-lines.ts'
import { signals } from './signals.ts'
import { symlinkRace } from './symlink-race.ts'

/** In the order in which they run. */
const lines: readonly TortureLine[] = [
  dagModel,
  exactLimits,
  killDag,
  frozenRunner,
  signals,
  paidAnswers,
  database,
  postgresRestarts,
  blackHole,
  manyProcesses,
  symlinkRace,
  claimCost,
  dagThroughput,
  fairSqlite,
  memory,
]

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const chosen = names.length === 0 ? lines : names.map(lineNamed)

keepEverythingInOneDirectory()
buildDist()
const held = await runLines(chosen, {
  size: process.argv.includes('--full') ? 'full' : 'normal',
  seed: Number(process.env['ORCH_TORTURE_SEED'] ?? 1),
  print: (text) => void process.stdout.write(text),
})
// A line that ran out of time may still hold timers and sockets.
// oxlint-disable-next-line unicorn/no-process-exit
process.exit(held ? 0 : 1)

function lineNamed(name: string): TortureLine {
  const line = [...lines, ...databaseItems.map(itemLine)].find((one) => one.name === name)
  if (line === undefined) throw new Error(`no line ${name}; there are: ${lines.map((one) => one.name).join(', ')}`)
  return line
}

/** Whatever a line or a stopped run forgets lies below one directory and is removed with it. */
function keepEverythingInOneDirectory(): void {
  const directory = mkdtempSync(join(tmpdir(), 'orch-torture-run-'))
  // The Postgres of the run may be another user's process.
  chmodSync(directory, 0o755)
  process.env['TMPDIR'] = directory
  process.on('exit', () => {
    killChildren([])
    rmSync(directory, { recursive: true, force: true })
  })
}
