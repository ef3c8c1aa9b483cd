/**
 * npm run bench:scheduler: how fast jobs that do nothing are worked off, with every row that a real job writes (job,
 * attempt, lock, events, dependants), side by side with what raw SQL can do in the same run, in turns. Then what a
 * claim costs beside a backlog, what dependencies cost, how long a plan takes to store, and what orch adds to jobs of
 * the rehearsal provider. Ends with status 1 when a floor is broken.
 * usage: npm run bench:scheduler [-- sqlite|postgres...]
 */
import { join } from 'node:path'
import { sql } from 'kysely'
import { migrations } from '../../migrations/index.ts'
import { Capabilities } from '../../src/database/capabilities.ts'
import { storePlan } from '../../src/planning/store-plan.ts'
import { systemIds } from '../../src/runtime/ids.ts'
import { drain, shapes, storeDrainRows } from '../support/drain-rows.ts'
import { aJob, aPlan } from '../support/plan-builder.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { calibrate, quantile } from '../torture/calibrate.ts'
import { claimCost } from '../torture/claim-cost.ts'
import { dagThroughput } from '../torture/dag-throughput.ts'
import { atLeast, atMost, noted, type Figure, type Scene } from '../torture/line.ts'
import { inScene } from '../torture/scene.ts'
import { overheadMs, pgBossFlowOfRaw, pgBossOfRaw, plainjobOfRaw, storeSeconds } from './floors.ts'
import { measureOverhead } from './overhead.ts'
import { rawPostgres, rawSqlite } from './raw-limit.ts'

const jobs = 20_000
const rounds = 3
/** The batches of raw SQL that the floors are shares of (floors.ts). */
const rawBatch = { SQLite: 50, Postgres: 500 } as const
/** Jobs at once of orch: as many as help. */
const atOnce = 500

async function benchSqlite(scene: Scene): Promise<readonly Figure[]> {
  const rates = { rawFull: new Array<number>(), rawNormal: new Array<number>() }
  const orch = { full: new Array<number>(), normal: new Array<number>(), few: new Array<number>() }
  const extent = { jobs, batch: rawBatch.SQLite }
  for (let round = 0; round < rounds; round++) {
    const path = join(scene.cwd, 'raw.db')
    rates.rawFull.push(rawSqlite(path, 'full', extent))
    orch.full.push(await drainRate(scene, { synchronous: 'full' }))
    orch.few.push(await drainRate(scene, { synchronous: 'full', concurrency: rawBatch.SQLite }))
    rates.rawNormal.push(rawSqlite(path, 'normal', extent))
    orch.normal.push(await drainRate(scene, { synchronous: 'normal' }))
  }
  const limit = median(rates.rawNormal)
  return [
    noted(`raw SQL, batches of ${rawBatch.SQLite}, FULL`, rate(rates.rawFull)),
    noted(`raw SQL, batches of ${rawBatch.SQLite}, NORMAL`, rate(rates.rawNormal)),
    noted(`orch, ${rawBatch.SQLite} at once, FULL`, rate(orch.few)),
    noted(`orch, ${atOnce} at once, FULL`, rate(orch.full)),
    noted(`orch, ${atOnce} at once, NORMAL`, rate(orch.normal)),
    atLeast('FULL, share of raw NORMAL (plainjob at NORMAL)', median(orch.full) / limit, share(plainjobOfRaw)),
    atLeast('NORMAL, share of raw NORMAL (twice plainjob)', median(orch.normal) / limit, share(2 * plainjobOfRaw)),
    ...(await commonFigures(scene)),
    atMost('overhead per job of the rehearsal provider', await measureOverhead(scene), {
      limit: overheadMs,
      unit: 'ms',
    }),
  ]
}

async function benchPostgres(scene: Scene): Promise<readonly Figure[]> {
  const [raw, orch, layered] = [new Array<number>(), new Array<number>(), new Array<number>()]
  for (let round = 0; round < rounds; round++) {
    raw.push(await rawPostgres(scene.server?.url ?? '', { jobs, batch: rawBatch.Postgres }))
    orch.push(await drainRate(scene, {}))
    layered.push(await drainRate(scene, { shape: 'layered' }))
  }
  const limit = median(raw)
  return [
    noted(`raw SQL, batches of ${rawBatch.Postgres}`, rate(raw)),
    noted(`orch, ${atOnce} at once`, rate(orch)),
    noted(`orch, layered DAG of 10,000, ${atOnce} at once`, rate(layered)),
    atLeast('share of raw (pg-boss 12 in batches)', median(orch) / limit, share(pgBossOfRaw)),
    atLeast('layered DAG, share of raw (pg-boss 12 flow)', median(layered) / limit, share(pgBossFlowOfRaw)),
    ...(await commonFigures(scene)),
    noted('overhead per job of the rehearsal provider, ms', await measureOverhead(scene)),
  ]
}

interface Draining {
  readonly synchronous?: 'full' | 'normal'
  readonly shape?: 'layered'
  readonly concurrency?: number
}

async function drainRate(scene: Scene, { synchronous, shape, concurrency = atOnce }: Draining): Promise<number> {
  const { database } = await scene.open()
  if (synchronous === 'normal') await sql`pragma synchronous = normal`.execute(database.db)
  const count = shape === undefined ? jobs : jobs / 2
  await storeDrainRows(database, shape === undefined ? { count } : { count, dependsOn: shapes[shape](count) })
  const drained = await drain(database, concurrency)
  if (drained.completed !== count) throw new Error(`${drained.completed} of ${count} completed`)
  return drained.rate
}

async function commonFigures(scene: Scene): Promise<readonly Figure[]> {
  const [dags, claims] = [await dagThroughput.run(scene, 'normal'), await claimCost.run(scene, 'normal')]
  const limit = storeSeconds[scene.engine]
  return [
    ...dags,
    ...claims,
    atMost('a plan of 10,000 jobs with dependencies stored in', await storeTime(scene), { limit, unit: 's' }),
  ]
}

async function storeTime(scene: Scene): Promise<number> {
  const { database } = await scene.open()
  const planned = Array.from({ length: 10_000 }, (_, place) => {
    const dependsOn = place < 100 ? [] : [`j${place - 100}`, `j${place - 99}`]
    return aJob({ key: `j${place}`, dependsOn })
  })
  const deps = { database, tables: new Capabilities(database, migrations), ids: systemIds }
  const begin = performance.now()
  await storePlan(deps, aPlan({ jobs: planned }), { workspace: scene.cwd, approvedBy: 'person', onTakenSlug: 'refuse' })
  return (performance.now() - begin) / 1000
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

function rate(values: readonly number[]): string {
  return `${Math.round(median(values)).toLocaleString('en')} jobs/s`
}

function share(of: number) {
  return { limit: of }
}

function print(engine: string, figures: readonly Figure[]): void {
  for (const { name, value, bound, pass } of figures) {
    const verdict = bound === '-' ? '' : `  (floor ${bound})${pass ? '' : '  BROKEN'}`
    console.log(`${engine.padEnd(9)} ${name.padEnd(58)} ${String(value)}${verdict}`)
    if (!pass) process.exitCode = 1
  }
}

const wanted = process.argv.slice(2)
const { nodeStartMs, fsyncMs } = calibrate()
console.log(
  `machine   node -e 0 ${nodeStartMs.toFixed(0)} ms  write+fsync p50 ${fsyncMs.p50.toFixed(2)} ms, p99 ${fsyncMs.p99.toFixed(2)} ms`,
)
if (wanted.length === 0 || wanted.includes('sqlite')) {
  print('SQLite', await inScene({ engine: 'SQLite', seed: 1, server: null }, benchSqlite))
}
if (wanted.length === 0 || wanted.includes('postgres')) {
  // As it comes, with fsync on: a server that forgets commits would flatter everybody.
  const server = await startPostgres({ stock: true })
  try {
    print('Postgres', await inScene({ engine: 'Postgres', seed: 1, server }, benchPostgres))
  } finally {
    await server.stop()
  }
}
