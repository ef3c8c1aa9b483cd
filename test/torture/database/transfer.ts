/** A database with many jobs goes to a server and comes home, while some of the movers are killed. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { sql } from 'kysely'
import pg from 'pg'
import { migrations } from '../../../migrations/index.ts'
import { openDatabase, type Database } from '../../../src/database/connection.ts'
import { migrate } from '../../../src/database/migration/migrate.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom, systemRandom } from '../../../src/runtime/random.ts'
import { storeRows } from '../../support/job-rows.ts'
import { hermeticEnv, orchProgram } from '../../support/run-orch.ts'
import { atMost, exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import type { DatabaseItem } from './item.ts'

interface Extent {
  readonly jobs: number
  /** Movers that are killed in each direction. */
  readonly kills: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { jobs: 400, kills: 1 },
  normal: { jobs: 100_000, kills: 2 },
  full: { jobs: 1_000_000, kills: 20 },
}

const killedJobs = 5000

export const transferItem: DatabaseItem = {
  numbers: [21],
  name: 'transfer',
  promise: 'a database moves to a server and back with equal content, or not at all, and its source is only read',
  // Both take part: from a file to the server and back.
  engines: ['Postgres'],
  run: runTransfer,
}

async function runTransfer(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const { jobs, kills } = extents[size]
  const { database, url, schema = '' } = await scene.open()
  const place: MovePlace = { scene, url, schema: `${schema}_moved`, random: seededRandom(scene.seed) }
  const source = join(scene.cwd, 'source.db')
  const home = join(scene.cwd, 'home.db')
  // Whoever is to be killed need not move as much.
  const small = join(scene.cwd, 'small.db')
  await makeSource(source, jobs)
  await makeSource(small, Math.min(jobs, killedJobs))
  const before = hashOf(source)
  try {
    const leftOnServer = await killMovers(place, { from: small, to: url, kills }, () => rowsInSchema(database, place))
    const there = await move(place, { from: source, to: url })
    const leftAtHome = await killMovers(place, { from: url, to: home, kills }, async () => tablesIn(home))
    const back = await move(place, { from: url, to: home })
    const differing = there.tables.filter(
      ({ name, hash }) => back.tables.find((one) => one.name === name)?.hash !== hash,
    )
    return [
      exactly('jobs moved', there.tables.find(({ name }) => name === 'jobs')?.rows ?? 0, jobs),
      noted(
        'rows moved each way',
        there.tables.reduce((sum, { rows }) => sum + rows, 0),
      ),
      noted('seconds to the server / home', `${seconds(there.ms)} / ${seconds(back.ms)}`),
      noted('hash of jobs', there.tables.find(({ name }) => name === 'jobs')?.hash.slice(0, 16) ?? ''),
      exactly('tables whose hash differs on the way home', differing.length, 0),
      exactly('jobs that a raw reader of both sides sees differ', await differences(place, source), 0),
      exactly('bytes of the source changed (0 or 1)', hashOf(source) === before ? 0 : 1, 0),
      noted('movers killed', `${leftOnServer.killed} + ${leftAtHome.killed}`),
      exactly('movers that ended before they could be killed', 2 * kills - leftOnServer.killed - leftAtHome.killed, 0),
      exactly('rows or tables left by a killed mover', leftOnServer.left + leftAtHome.left, 0),
      exactly('first inserts refused', await firstInsertsRefused(place), 0),
      ...(size === 'normal' ? [atMost('seconds to the server', there.ms / 1000, { limit: 120 })] : []),
    ]
  } finally {
    await sql`drop schema if exists ${sql.id(place.schema)} cascade`.execute(database.db)
  }
}

interface MovePlace {
  readonly scene: Scene
  readonly url: string
  readonly schema: string
  readonly random: { next(): number }
}

/** Jobs in a chain, with texts, JSON and numbers that a careless copy would change. */
async function makeSource(path: string, jobs: number): Promise<void> {
  const empty = await openDatabase(path, { clock: systemClock, random: systemRandom, create: true })
  await migrate(empty, { migrations, clock: systemClock, toolVersion: 'torture' })
  await empty.close()
  const raw = new SqliteFile(path)
  raw.exec(`
    begin;
    insert into projects (id, slug, goal, status, workspace, commands, plan_hash, created_at, updated_at)
      values ('moved', 'moved', 'To move', 'active', '/srv', '[]', 'hash', 1, 1);
    insert into jobs (id, project_id, key, title, description, executor, state, hold, priority, effective_priority,
      path_length, run_at, ready_at, blocked_by, attempt, try, max_tries, interruptions, spec, result, rehearsed,
      created_at, updated_at)
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${jobs})
    select 'Job-' || n, 'moved', 'k' || n, 'Ünïcode 🚀 "' || n || '"', '\\ ' || char(10) || n || ' 東京', 'llm', 'ready',
      case n % 3 when 0 then 'person' end, n % 5, n % 7, 1, 9223372036854775807 - n, case n % 2 when 0 then -n end, 0,
      n % 4, 1, 3, 0, '{ "b": ' || n || ', "a": [1.0, "\\ud83d\\ude80"] }', case n % 2 when 0 then '"' || n || '"' end,
      n % 2, 9007199254740993 + n, n
    from numbers;
    insert into job_dependencies (job_id, depends_on_id)
    with recursive numbers(n) as (select 2 union all select n + 1 from numbers where n < ${jobs})
    select 'Job-' || n, 'Job-' || (n - 1) from numbers;
    commit;
    pragma journal_mode = delete`)
  raw.close()
}

interface Move {
  readonly from: string
  readonly to: string
}

interface Moved {
  readonly ms: number
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly hash: string }[]
}

/** The real program, from its start to its end. */
async function move(place: MovePlace, { from, to }: Move): Promise<Moved> {
  const begin = performance.now()
  const child = startMover(place, { from, to, flags: ['--json'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const exit = await new Promise((resolve) => child.once('close', resolve))
  if (exit !== 0) throw new Error(`orch db transfer ended with ${String(exit)}: ${stderr}`)
  const { data } = JSON.parse(stdout) as { readonly data: Pick<Moved, 'tables'> }
  return { ms: performance.now() - begin, tables: data.tables }
}

/** Some of the lines that a mover says while it copies: none of them means that it has committed. */
const copying = /^(copied|read back) /

function startMover({ scene, schema }: MovePlace, { from, to, flags }: Move & { readonly flags: readonly string[] }) {
  const argv = [orchProgram, 'db', 'transfer', '--db', from, '--to', to, ...flags]
  return spawn(process.execPath, argv, {
    cwd: scene.cwd,
    env: hermeticEnv(scene.cwd, { ORCH_DB_SCHEMA: schema }),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
    killSignal: 'SIGKILL',
  })
}

interface KilledMovers {
  readonly killed: number
  /** What the target held after each of them, added up. */
  readonly left: number
}

/** Kills movers after a random number of their lines, and looks at the target after each. */
async function killMovers(
  place: MovePlace,
  { from, to, kills }: Move & { readonly kills: number },
  look: () => Promise<number>,
): Promise<KilledMovers> {
  let killed = 0
  let left = 0
  for (let round = 0; round < kills; round++) {
    // Each table of some size is told at least twice while it is copied and read back.
    if (await killMover(place, { from, to, afterLines: 1 + Math.floor(place.random.next() * 4) })) killed += 1
    left += await look()
  }
  return { killed, left }
}

function killMover(
  place: MovePlace,
  { from, to, afterLines }: Move & { readonly afterLines: number },
): Promise<boolean> {
  const child = startMover(place, { from, to, flags: [] })
  let told = ''
  child.stdout.resume()
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text
    if (told.split('\n').filter((line) => copying.test(line)).length >= afterLines) child.kill('SIGKILL')
  })
  return new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal === 'SIGKILL')))
}

/** Whether the schema of the move is there: it would be committed with all rows. */
async function rowsInSchema({ db }: Database, { schema }: MovePlace): Promise<number> {
  const { rows } = await sql`select 1 from pg_catalog.pg_namespace where nspname = ${schema}`.execute(db)
  return rows.length
}

function tablesIn(path: string): number {
  if (!existsSync(path)) return 0
  const raw = new SqliteFile(path)
  const tables = raw.prepare('select count(*) from sqlite_master').pluck().get() as number
  raw.close()
  return tables
}

/** Reads all jobs of both sides with the bare drivers, in the same order, and compares them value by value. */
async function differences({ url, schema }: MovePlace, source: string): Promise<number> {
  const raw = new SqliteFile(source, { readonly: true })
  raw.defaultSafeIntegers(true)
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => String } })
  await client.connect()
  try {
    const columns = raw.prepare(`select name from pragma_table_info('jobs')`).pluck().all() as string[]
    const list = columns.map((name) => `"${name}"`).join(', ')
    const here = raw.prepare(`select ${list} from jobs order by id`).raw().iterate() as Iterable<
      readonly (string | bigint | null)[]
    >
    const query = { text: `select ${list} from "${schema}".jobs order by id collate "C"`, rowMode: 'array' as const }
    const there = (await client.query<unknown[]>(query)).rows
    let differing = 0
    let place = 0
    for (const row of here) {
      const other = there[place++] ?? []
      const same = row.every((value, index) =>
        value === null ? other[index] === null : String(value) === other[index],
      )
      if (!same) differing += 1
    }
    return differing + Math.abs(there.length - place)
  } finally {
    raw.close()
    await client.end()
  }
}

async function firstInsertsRefused({ url, schema }: MovePlace): Promise<number> {
  const database = await openDatabase(url, { clock: systemClock, random: systemRandom, schema, connections: 1 })
  try {
    await storeRows(database, { slug: 'first', jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const { steps, remaining } = await migrate(database, { migrations, clock: systemClock, toolVersion: 'torture' })
    return steps.length + remaining
  } finally {
    await database.close()
  }
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
