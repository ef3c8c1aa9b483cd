/** What looks at a database leaves no trace, needs only the right to read, and waits for nobody. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import pg from 'pg'
import { runOrch, runOrchDone } from '../../support/run-orch.ts'
import { atMost, exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import type { DatabaseItem } from './item.ts'
import { inFreshPlace, type FreshPlace } from './place.ts'

/** What a script that is given on the command line can require from anywhere. */
const driver = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'))

export const noTrace: DatabaseItem = {
  numbers: [1],
  name: 'no trace',
  promise: 'a dry run changes no byte, row, catalog or directory, whatever state the database is in',
  run: runNoTrace,
}

export const reader: DatabaseItem = {
  numbers: [2],
  name: 'reader',
  promise: 'a reader without any other right gets dry run, status and check at once while another process migrates',
  run: runReader,
}

export const misspelt: DatabaseItem = {
  numbers: [6],
  name: 'misspelt flags',
  promise: 'a flag that is not known ends with 2 and touches nothing',
  run: runMisspelt,
}

type Prepare = (place: FreshPlace, scene: Scene) => Promise<void>

export const migrateTo = async ({ env }: FreshPlace, { cwd }: Scene, ...flags: string[]) => {
  await runOrchDone(['db', 'migrate', ...flags], { cwd, env })
}

/** States in which a database may be found. */
const states: Readonly<Record<string, Prepare>> = {
  'not there': async () => {},
  empty: async (place) => {
    if (place.schema === undefined) new SqliteFile(place.url).exec('create table t (a); drop table t').close()
    else await place.query(`create schema ${place.schema}`)
  },
  'partly migrated': (place, scene) => migrateTo(place, scene, '--to', '0004'),
  migrated: (place, scene) => migrateTo(place, scene),
  'without its ledger': async (place, scene) => {
    await migrateTo(place, scene)
    if (place.schema === undefined) new SqliteFile(place.url).exec('drop table orch_migrations').close()
    else await place.query(`drop table ${place.schema}.orch_migrations`)
  },
}

/** States that only a file knows. */
const fileStates: Readonly<Record<string, Prepare>> = {
  'left by kill -9': async (place, scene) => {
    await migrateTo(place, scene, '--to', '0004')
    dieInTransaction(place.url, 'wal')
  },
  'left by kill -9 with a hot journal': async (place, scene) => {
    await migrateTo(place, scene, '--to', '0004')
    dieInTransaction(place.url, 'delete')
  },
  'in a directory of rights 0555': async (place, scene) => {
    await migrateTo(place, scene, '--to', '0004')
    chmodSync(place.url, 0o444)
    chmodSync(dirname(place.url), 0o555)
  },
}

const shortStates = new Set(['not there', 'migrated'])

const looks: readonly (readonly string[])[] = [
  ['migrate', '--dry-run'],
  ['migrate', '--dry-run', '--to', '0005', '--sql', 'both', '--json'],
  ['migrate', '--dry-run', '--format', 'sarif'],
  ['status'],
  ['check'],
]

/** Done, a `--to` that lies behind, pending, and drift: what each state makes of a look. */
const harmless = new Set([0, 5, 10, 12])

async function runNoTrace(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const isShort = size === 'short'
  const known = Object.entries(states).filter(([name]) => !isShort || shortStates.has(name))
  const all = [...known, ...(scene.engine === 'SQLite' ? Object.entries(fileStates) : [])]
  openToAll(scene.cwd)
  const traces: string[] = []
  let count = 0
  for (const [name, prepare] of all) {
    await inFreshPlace(scene, async (place) => {
      await prepare(place, scene)
      const before = await place.trace()
      for (const look of isShort ? looks.slice(0, 2) : looks) {
        const { exitCode, stderr } = await asReader(place, () =>
          runOrch(['db', ...look], { cwd: scene.cwd, env: place.env }),
        )
        count += 1
        if (!harmless.has(exitCode)) traces.push(`${name}: ${look.join(' ')}: ${stderr}`)
        if ((await place.trace()) !== before) traces.push(`${name}: ${look.join(' ')} left a trace`)
      }
      if (place.schema === undefined) chmodSync(dirname(place.url), 0o755)
    })
  }
  for (const trace of traces) scene.report(`    ${trace}\n`)
  return [
    noted('states', all.length),
    noted('looks', count),
    exactly('looks that left a trace or failed', traces.length, 0),
  ]
}

/** Where the directory says so, as somebody who may not write to it; root may write everywhere. */
async function asReader<T>({ url, schema }: FreshPlace, work: () => Promise<T>): Promise<T> {
  const isClosed = schema === undefined && (statSync(dirname(url)).mode & 0o222) === 0
  if (!isClosed || process.getuid?.() !== 0) return work()
  const usual = process.env['TMPDIR']
  process.env['TMPDIR'] = dirname(dirname(url))
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    if (usual === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = usual
  }
}

/** Another user must be able to work in the directory and to get there. */
function openToAll(directory: string): void {
  for (let parent = dirname(directory); parent.startsWith(`${tmpdir()}/`); parent = dirname(parent))
    chmodSync(parent, 0o755)
  for (const name of ['', '.home']) {
    mkdirSync(join(directory, name), { recursive: true })
    chmodSync(join(directory, name), 0o777)
  }
}

/** Another process dies in a transaction that already spilled into the file or its log. */
function dieInTransaction(path: string, journalMode: 'wal' | 'delete'): void {
  const script = `const file = new (require(${driver}))(${JSON.stringify(path)})
    file.pragma('journal_mode = ${journalMode}')
    file.exec('create table ballast (data text)')
    file.pragma('cache_size = 5')
    file.exec('begin immediate')
    for (let i = 0; i < 2000; i++) file.exec("insert into ballast values (hex(randomblob(100)))")
    process.kill(process.pid, 'SIGKILL')`
  spawnSync(process.execPath, ['-e', script], { timeout: 20_000 })
}

async function runReader(scene: Scene, size: Size): Promise<readonly Figure[]> {
  return inFreshPlace(scene, async (place) => {
    await migrateTo(place, scene, '--to', '0004')
    const held = await holdMigrationLock(place)
    const reading = await readOnlyAddress(place, scene)
    const failures: string[] = []
    let slowestMs = 0
    try {
      for (const look of [['migrate', '--dry-run'], ['status'], ['check']]) {
        const begin = performance.now()
        const { exitCode, stdout, stderr } = await runOrch(['db', ...look], { cwd: scene.cwd, env: reading.env })
        slowestMs = Math.max(slowestMs, performance.now() - begin)
        const isDone = exitCode === 0 || (look[0] === 'check' && exitCode === 10)
        if (!isDone) failures.push(`${look.join(' ')}: exit ${exitCode} ${stderr}`)
        if (!stdout.includes(held.owner))
          failures.push(`${look.join(' ')} does not name ${held.owner}: ${stdout.slice(-200)}`)
      }
    } finally {
      await held.release()
      await reading.remove()
    }
    for (const failure of failures) scene.report(`    ${failure}\n`)
    const slowest =
      size === 'short' ? noted('slowest, ms', slowestMs) : atMost('slowest', slowestMs, { limit: 2000, unit: 'ms' })
    return [slowest, exactly('commands that failed, waited or did not name the owner', failures.length, 0)]
  })
}

interface HeldLock {
  readonly owner: string
  release(): Promise<void>
}

/** The migration lock as another process of orch holds it. */
export async function holdMigrationLock({ url, schema }: FreshPlace): Promise<HeldLock> {
  if (schema === undefined) {
    const script = `const file = new (require(${driver}))(${JSON.stringify(url)})
      file.exec('begin immediate'); console.log('held'); setTimeout(() => {}, 60000)`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const release = async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    return { owner: `process ${child.pid}`, release }
  }
  const { openDatabase } = await import('../../../src/database/connection.ts')
  const { migrationEngine } = await import('../../../src/database/migration/engine.ts')
  const { systemClock } = await import('../../../src/runtime/clock.ts')
  const { systemRandom } = await import('../../../src/runtime/random.ts')
  const database = await openDatabase(url, { clock: systemClock, random: systemRandom, schema, connections: 1 })
  const engine = await migrationEngine(database.dialect)
  const trx = await database.db.startTransaction().execute()
  await engine.tryLock(trx)
  const { sql } = await import('kysely')
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
  const release = async () => {
    await trx.rollback().execute()
    await database.close()
  }
  return { owner: `server process ${rows[0]?.pid}`, release }
}

/** The same database for a role that may only read, or a file that nobody may write. */
async function readOnlyAddress(place: FreshPlace, { engine }: Scene) {
  const { schema, url, env } = place
  if (engine === 'SQLite' || schema === undefined) {
    chmodSync(url, 0o444)
    return { env, remove: async () => {} }
  }
  const role = `reader_of_${schema}`
  await place.query(`create role ${role} login; grant usage on schema ${schema} to ${role};
    grant select on all tables in schema ${schema} to ${role}`)
  const own = new URL(url)
  own.username = role
  const refused = new pg.Client({ connectionString: own.toString() })
  await refused.connect()
  const wrote = await refused.query(`create table ${schema}.x (a int)`).then(
    () => true,
    () => false,
  )
  await refused.end()
  if (wrote) throw new Error('the reader may write')
  const remove = async () => void (await place.query(`drop owned by ${role}; drop role ${role}`))
  return { env: { ...env, ORCH_DATABASE_URL: own.toString() }, remove }
}

const badFlags: readonly (readonly string[])[] = [
  ['migrate', '--dryrun'],
  ['migrate', '--dry-run:x'],
  ['migrate', '--dry_run'],
  ['migrate', '-dry-run'],
  ['migrate', '--dry-run', 'now'],
  ['migrate', '--sql', 'both'],
  ['migrate', '--sql', 'mysql', '--dry-run'],
  ['migrate', '--format', 'xml', '--dry-run'],
  ['migrate', '--lock-timeout', 'soon'],
  ['migrate', '--to'],
  ['migrate', '--force'],
  ['status', '--jsn'],
  ['check', '--exit-code'],
  ['backup', '--too', 'x'],
  ['restore', '--yess', 'x'],
  ['transfer', '--dryrun', '--to', 'x'],
  ['adopt', '--dryrun', '--from-schema', 'x'],
  ['migrat'],
]

async function runMisspelt(scene: Scene): Promise<readonly Figure[]> {
  return inFreshPlace(scene, async (place) => {
    await migrateTo(place, scene, '--to', '0004')
    const before = await place.trace()
    const accepted: string[] = []
    for (const flags of badFlags) {
      const { exitCode, stdout } = await runOrch(['db', ...flags], { cwd: scene.cwd, env: place.env })
      if (exitCode !== 2 || stdout !== '') accepted.push(`${flags.join(' ')}: exit ${exitCode}`)
      if ((await place.trace()) !== before) accepted.push(`${flags.join(' ')} touched something`)
    }
    for (const one of accepted) scene.report(`    ${one}\n`)
    return [
      noted('calls', badFlags.length),
      exactly('calls that did not end with 2 or touched something', accepted.length, 0),
    ]
  })
}
