import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrations } from '../../migrations/index.ts'
import { openDatabase } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import buildDist from '../support/build-dist.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { killAndResume, type KillResumeReport } from './kill-resume.ts'

interface Size {
  readonly jobs: number
  readonly kills: number
}

/** The long form of promise 1, once per engine. */
export async function killResumeOnBothEngines(size: Size) {
  buildDist()
  const seed = Number(process.env['ORCH_TORTURE_SEED'] ?? 1)
  const sqlite = await inDirectory((cwd) => torture(join(cwd, 'orch.db'), cwd, { ...size, seed }))
  const server = await startPostgres()
  try {
    const postgres = await inDirectory((cwd) => torture(server.url, cwd, { ...size, seed }))
    const held = [sqlite, postgres].every((report) => isHeld(report, size))
    return { held, saw: { seed, sqlite, postgres } }
  } finally {
    await server.stop()
  }
}

function isHeld(report: KillResumeReport, size: Size): boolean {
  const { exitCode, states, notOnce, boughtAgain, kills, calls, ledgerRows } = report
  const once = exitCode === 0 && states['completed'] === size.jobs && notOnce.length === 0
  return once && boughtAgain.length === 0 && kills === size.kills && ledgerRows >= calls
}

async function torture(url: string, cwd: string, size: Size & { readonly seed: number }): Promise<KillResumeReport> {
  const database = await openDatabase(url, { clock: systemClock, random: systemRandom, create: true })
  try {
    await migrate(database, { migrations, clock: systemClock, toolVersion: 'torture' })
    return await killAndResume({ database, url, schema: undefined, cwd, latencyMs: 250, ...size })
  } finally {
    await database.close()
  }
}

async function inDirectory<T>(work: (cwd: string) => Promise<T>): Promise<T> {
  const cwd = mkdtempSync(join(tmpdir(), 'orch-torture-'))
  try {
    return await work(cwd)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}
