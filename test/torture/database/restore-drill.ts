/** What a migration was preceded by is brought back, by movers of which some are killed, and the previous orch goes on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { migrations } from '../../../migrations/index.ts'
import { openDatabase, type Database } from '../../../src/database/connection.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom, systemRandom } from '../../../src/runtime/random.ts'
import { hermeticEnv, orchProgram } from '../../support/run-orch.ts'
import { exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import { withScript } from '../scripts.ts'
import type { DatabaseItem } from './item.ts'

interface Extent {
  readonly kills: number
  readonly rows: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { kills: 0, rows: 200 },
  normal: { kills: 4, rows: 5000 },
  full: { kills: 100, rows: 200_000 },
}

export const restoreDrill: DatabaseItem = {
  numbers: [16],
  name: 'restore drill',
  promise: 'a backup precedes the first statement or nothing is migrated; brought back, the previous orch starts',
  run: (scene, size) => withScript('database/previous-orch', (previous) => runDrill(scene, extents[size], previous)),
}

interface Ended {
  readonly exit: number
  readonly data: { readonly path?: string; readonly directory?: string; readonly backup?: { path: string } | null }
}

interface Call {
  readonly argv: readonly string[]
  readonly killAfterMs?: number
}

interface Drill {
  current(call: Call): Promise<Ended>
  previous(call: Call): Promise<Ended>
  /** One text for everything in the database, seen through a connection of its own. */
  content(): Promise<string>
}

async function runDrill(scene: Scene, { kills, rows }: Extent, script: string): Promise<readonly Figure[]> {
  const { database, url, schema } = await scene.open()
  await database.close()
  const place = await emptyPlace(scene, url, schema)
  const drill = drillIn(scene.cwd, place, script)
  try {
    const made = await drill.previous({ argv: ['db', 'migrate'] })
    await storeEvents(place, rows)
    const before = await drill.content()
    const refused = await refusedWithoutBackup(drill)
    const unchanged = (await drill.content()) === before
    const migrated = await drill.current({ argv: ['db', 'migrate'] })
    const path = migrated.data.backup?.path ?? ''
    const after = await drill.content()
    const shutOut = await drill.previous({ argv: ['db', 'migrate'] })
    const torn = await killRestores(drill, { path, kills, seed: scene.seed, whole: [before, after] })
    const restored = await drill.current({ argv: ['db', 'restore', path, '--yes'] })
    const starts = await drill.previous({ argv: ['db', 'check'] })
    const lists = await drill.previous({ argv: ['jobs', 'list'] })
    const nothing = await drill.previous({ argv: ['db', 'migrate', '--exit-code'] })
    return [
      exactly('exit of the previous orch that made the database', made.exit, 0),
      exactly('exit of a migration whose backup cannot be made', refused, 15),
      exactly('changes by it (0 or 1)', unchanged ? 0 : 1, 0),
      exactly('exit of the migration', migrated.exit, 0),
      exactly('exit of the previous orch after it', shutOut.exit, 12),
      noted('restores killed', torn.killed),
      exactly('of them neither before nor after', torn.torn, 0),
      exactly('exit of the restore', restored.exit, 0),
      exactly('content differs from before the migration (0 or 1)', (await drill.content()) === before ? 0 : 1, 0),
      exactly('exits of the previous orch: check', starts.exit, 0),
      exactly('exits of the previous orch: jobs list', lists.exit, 0),
      exactly('exits of the previous orch: db migrate, nothing to do', nothing.exit, 0),
      exactly('kept backups of one kind beyond 5', beyondFive(dirname(path)), 0),
    ]
  } finally {
    await place.remove()
  }
}

interface Place {
  readonly url: string
  readonly schema: string | undefined
  open(): Promise<Database>
  remove(): Promise<void>
}

/** The same engine, and nothing migrated yet. */
async function emptyPlace({ cwd, engine }: Scene, url: string, schema: string | undefined): Promise<Place> {
  const file = join(cwd, 'drill.db')
  const own = engine === 'SQLite' ? { url: file, schema: undefined } : { url, schema: `${schema}_drill` }
  const open = () =>
    openDatabase(own.url, { clock: systemClock, random: systemRandom, ...optional(own.schema), connections: 1 })
  const remove = async () => {
    if (own.schema === undefined) return
    const database = await open()
    const { rows } = await sql<{ name: string }>`
      select nspname as name from pg_namespace where nspname like ${`${own.schema}%`} or nspname like 'orch_restore_%'`.execute(
      database.db,
    )
    for (const { name } of rows) await sql`drop schema ${sql.id(name)} cascade`.execute(database.db)
    await database.close()
  }
  return { ...own, open, remove }
}

function optional(schema: string | undefined) {
  return schema === undefined ? {} : { schema }
}

async function storeEvents(place: Place, rows: number): Promise<void> {
  const database = await place.open()
  const columns = sql`(id, provider_id, model_id, purpose, source, outcome, created_at)`
  await sql`
    insert into model_usage ${columns}
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(rows)})
    select 'usage-' || n, 'p', 'Ünïcode "🚀" ' || n, 'job', 'measured', 'ok', n from numbers`.execute(database.db)
  await database.close()
}

function drillIn(cwd: string, place: Place, script: string): Drill {
  const env = { ORCH_DATABASE_URL: place.url, ...(place.schema === undefined ? {} : { ORCH_DB_SCHEMA: place.schema }) }
  const run = async (program: string, { argv, killAfterMs }: Call): Promise<Ended> => {
    const options = { cwd, env: hermeticEnv(cwd, env), timeout: 60_000, killSignal: 'SIGKILL' as const }
    const child = spawn(process.execPath, [program, ...argv, '--json'], {
      ...options,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    const closed = once(child, 'close')
    if (killAfterMs !== undefined) {
      await Promise.race([closed, pause(killAfterMs)])
      child.kill('SIGKILL')
    }
    await closed
    const { data } = JSON.parse(stdout === '' ? '{}' : stdout) as { readonly data?: Ended['data'] }
    return { exit: child.exitCode ?? -1, data: data ?? {} }
  }
  return {
    current: (call) => run(orchProgram, call),
    previous: (call) => run(script, call),
    content: () => contentOf(place),
  }
}

async function contentOf(place: Place): Promise<string> {
  const database = await place.open()
  try {
    const shape = await database.dialect.shape(database.db)
    const names = migrations.map(({ table }) => table).filter((table) => shape.has(table))
    const { db } = database
    const usage = await db.selectFrom('model_usage').selectAll().orderBy('id').execute()
    const ledger = await db.selectFrom('orch_migrations').selectAll().orderBy('sequence').execute()
    return JSON.stringify([names, usage, ledger])
  } finally {
    await database.close()
  }
}

/** Something that is no directory has the place of the backups. */
async function refusedWithoutBackup(drill: Drill): Promise<number> {
  const { data } = await drill.current({ argv: ['db', 'backup', '--list'] })
  const directory = data.directory ?? ''
  mkdirSync(dirname(directory), { recursive: true })
  writeFileSync(directory, 'in the way')
  const { exit } = await drill.current({ argv: ['db', 'migrate'] })
  rmSync(directory)
  return exit
}

interface Killing {
  readonly path: string
  readonly kills: number
  readonly seed: number
  /** What the database may hold afterwards. */
  readonly whole: readonly string[]
}

/** The first restore, which nobody disturbs, says how long one takes; the others are killed within that. */
async function killRestores(drill: Drill, { path, kills, seed, whole }: Killing) {
  if (kills === 0) return { killed: 0, torn: 0 }
  const random = seededRandom(seed)
  const begin = performance.now()
  await drill.current({ argv: ['db', 'restore', path, '--yes'] })
  const usualMs = performance.now() - begin
  let killed = 0
  let torn = 0
  for (let round = 0; round < kills; round++) {
    // Every other one starts from the migrated database again.
    if (round % 2 === 0) await drill.current({ argv: ['db', 'migrate'] })
    const killAfterMs = usualMs * (0.3 + 0.7 * random.next())
    const { exit } = await drill.current({ argv: ['db', 'restore', path, '--yes'], killAfterMs })
    if (exit === -1) killed += 1
    // A migration records when it happened: of the state after it only what it left of the rest is compared.
    const found = await settledContent(drill)
    if (!whole.some((content) => withoutTimes(content) === withoutTimes(found))) torn += 1
  }
  await drill.current({ argv: ['db', 'migrate'] })
  return { killed, torn }
}

/** A server may still be at work for a process that is dead: what two looks in a row agree on is what is there. */
async function settledContent(drill: Drill): Promise<string> {
  for (let found = await drill.content(); ;) {
    await pause(50)
    const again = await drill.content()
    if (again === found) return found
    found = again
  }
}

function withoutTimes(content: string): string {
  return content.replaceAll(/"(duration_ms|applied_at)":\d+/g, '')
}

function beyondFive(directory: string): number {
  const names = readdirSync(directory)
  const kinds = ['manual', 'before-migrate', 'before-restore']
  return kinds.reduce(
    (sum, kind) => sum + Math.max(0, names.filter((name) => name.includes(`-${kind}.`)).length - 5),
    0,
  )
}
