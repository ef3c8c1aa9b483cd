/**
 * npm run bench:wake: how soon an idle `orch jobs run` starts what another process commits, and what it costs while
 * it waits. Latency: from the return of the other process's commit to its reading of the `started` event, so the
 * pipe between the two is included. Ends with status 1 when a bound is broken.
 * usage: npm run bench:wake [-- sqlite|postgres...]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrations } from '../../migrations/index.ts'
import { openDatabase, type Database } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import { rehearsalAddress } from '../../src/providers/rehearsal-settings.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import buildDist from '../support/build-dist.ts'
import { storeRows } from '../support/job-rows.ts'
import { OrchRunner } from '../support/orch-runner.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { runOrchProcess } from '../support/run-orch.ts'
import { calibrate, quantile } from '../torture/calibrate.ts'
import { makeWorkspace } from '../torture/scene.ts'
import { rawWake } from './raw-wake.ts'

const samples = 100
const idleMs = 12_000
/** reference/performance.md, "Floors for orch". */
const bounds = { p50Ms: 2, p95Ms: 10, cpuPercent: 0.5, rssMiB: 90 } as const
/** Median of a bare process on the machine where the bounds were set (the same table). */
const bareThereMs = { sqlite: 0.28, postgres: 0.72 } as const
/** Node collects what its start left behind after some seconds: an idle scheduler is one that has done so. */
const settleMs = 15_000
/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100

interface Measured {
  readonly latenciesMs: readonly number[]
  readonly cpuPercent: number
  readonly rssMiB: number
}

async function measure(url: string, cwd: string): Promise<Measured> {
  const database = await openDatabase(url, { clock: systemClock, random: seededRandom(1), create: true })
  const env = { ORCH_DATABASE_URL: url }
  try {
    await migrate(database, { migrations, clock: systemClock, toolVersion: 'bench' })
    await addSimulatedModel(database)
    await runOrchProcess(['db', 'trust', '--yes'], { cwd, env })
    const runner = new OrchRunner({ cwd, env })
    try {
      await warmUp(database, runner, cwd)
      const idle = await measureIdle(runner.pid)
      const latenciesMs: number[] = []
      for (let number = 1; number <= samples; number += 1)
        latenciesMs.push(await wakeOnce(database, runner, { cwd, number }))
      return { latenciesMs, ...idle }
    } finally {
      await runner.kill()
    }
  } finally {
    await database.close()
  }
}

async function addSimulatedModel({ db }: Database): Promise<void> {
  const base_url = rehearsalAddress({ latencyMs: 1 })
  const row = { id: 'rehearsal', label: 'bench', kind: 'rehearsal', base_url, enabled: 1 }
  await db
    .insertInto('provider_config')
    .values({ ...row, created_at: 1, updated_at: 1 })
    .execute()
}

/** Every lazily loaded module is loaded, and the start is over. */
async function warmUp(database: Database, runner: OrchRunner, cwd: string): Promise<void> {
  await wakeOnce(database, runner, { cwd, number: 0 }, 30_000)
  await pause(settleMs)
}

interface Enqueue {
  readonly cwd: string
  readonly number: number
}

async function wakeOnce(database: Database, runner: OrchRunner, { cwd, number }: Enqueue, withinMs = 10_000) {
  const since = runner.events.length
  const slug = `bench-${number}`
  await storeRows(
    { write: database.announce },
    { slug, project: { workspace: cwd }, jobs: [{ key: 'job', model: 'rehearsal/simulated' }] },
  )
  const committedAt = performance.now()
  const started = await runner.next(since, ({ event }) => event === 'started', withinMs)
  const ended = await runner.next(since, ({ event }) => event === 'ended', withinMs)
  if (started === null || ended === null) throw new Error(`${slug} did not run: ${runner.stderr}`)
  await pause(20 + (number % 7) * 11)
  return Math.max(0, started.readAtMs - committedAt)
}

async function measureIdle(pid: number): Promise<Pick<Measured, 'cpuPercent' | 'rssMiB'>> {
  const before = processorSeconds(pid)
  const startedAt = performance.now()
  await pause(idleMs)
  const seconds = (performance.now() - startedAt) / 1000
  return { cpuPercent: ((processorSeconds(pid) - before) / seconds) * 100, rssMiB: residentMiB(pid) }
}

function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

function report(
  engine: 'sqlite' | 'postgres',
  { latenciesMs, cpuPercent, rssMiB }: Measured,
  bare: readonly number[],
): boolean {
  const at = (share: number) => quantile(latenciesMs, share)
  const bareP50Ms = quantile(bare, 0.5)
  // On a slower machine the bound is so many times what a bare process needs there, in the same run.
  const slower = Math.max(1, bareP50Ms / bareThereMs[engine])
  const figures = [
    { name: 'bare p50 ms', value: bareP50Ms, bound: Number.POSITIVE_INFINITY },
    { name: 'bare p95 ms', value: quantile(bare, 0.95), bound: Number.POSITIVE_INFINITY },
    { name: 'wake p50 ms', value: at(0.5), bound: bounds.p50Ms * slower },
    { name: 'wake p95 ms', value: at(0.95), bound: bounds.p95Ms * slower },
    { name: 'wake p99 ms', value: at(0.99), bound: Number.POSITIVE_INFINITY },
    { name: 'idle CPU %', value: cpuPercent, bound: bounds.cpuPercent },
    { name: 'idle RSS MiB', value: rssMiB, bound: bounds.rssMiB },
  ]
  for (const { name, value, bound } of figures) {
    const limit = Number.isFinite(bound) ? `<= ${Number(bound.toFixed(2))}` : '-'
    console.log(
      `${engine.padEnd(9)} ${name.padEnd(14)} ${value.toFixed(2).padStart(8)}  ${limit.padEnd(8)} ${value <= bound ? 'pass' : 'FAIL'}`,
    )
  }
  return figures.every(({ value, bound }) => value <= bound)
}

const wanted = process.argv.slice(2)
const engines = (['sqlite', 'postgres'] as const).filter((engine) => wanted.length === 0 || wanted.includes(engine))
buildDist()
const { nodeStartMs, fsyncMs } = calibrate()
console.log(
  `calibration: node -e 0 ${nodeStartMs.toFixed(0)} ms; write+fsync p50 ${fsyncMs.p50.toFixed(2)}, p99 ${fsyncMs.p99.toFixed(2)}, max ${fsyncMs.max.toFixed(1)} ms`,
)
const held: boolean[] = []
for (const engine of engines) {
  const cwd = makeWorkspace(mkdtempSync(join(tmpdir(), 'orch-wake-')))
  const server = engine === 'postgres' ? await startPostgres() : null
  try {
    const bare = await rawWake({ engine, address: server?.url ?? join(cwd, 'raw.db'), samples })
    held.push(report(engine, await measure(server?.url ?? join(cwd, 'orch.db'), cwd), bare))
  } finally {
    await server?.stop()
    rmSync(cwd, { recursive: true, force: true })
  }
}
if (held.includes(false)) process.exitCode = 1
