/** A backup of a large database while another program writes to it without pause. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import SqliteFile from 'better-sqlite3'
import { sql } from 'kysely'
import { migrations } from '../../../migrations/index.ts'
import { backUp } from '../../../src/database/backup/back-up.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { pause } from '../kill-turns.ts'
import { atLeast, atMost, exactly, noted, type Figure, type OpenedDatabase, type Scene, type Size } from '../line.ts'
import { ScriptProcess, withScript } from '../scripts.ts'
import type { DatabaseItem } from './item.ts'
import type { RowWriterInput } from './row-writer.ts'

/** Rows of ten kilobytes each. */
const largeRows: Readonly<Record<Size, number>> = { short: 300, normal: 20_000, full: 100_000 }

export const liveBackup: DatabaseItem = {
  numbers: [17],
  name: 'live backup',
  promise: 'a backup under constant writes is over in seconds and holds every row committed before it began',
  run: (scene, size) => withScript('database/row-writer', (script) => runLiveBackup(scene, size, script)),
}

async function runLiveBackup(scene: Scene, size: Size, script: string): Promise<readonly Figure[]> {
  const opened = await scene.open()
  await storeLargeRows(opened, scene, rowsFor(scene, size))
  const input: RowWriterInput = { url: opened.url, schema: opened.schema, runMs: 120_000 }
  const writer = new ScriptProcess(script, input)
  try {
    await writer.ready()
    writer.go()
    await pause(200)
    return await measure(opened, scene, size)
  } finally {
    writer.child.kill('SIGKILL')
  }
}

/** The bound of 200 MB is about a file; a server shows with less that nothing is lost. */
function rowsFor({ engine }: Scene, size: Size): number {
  return engine === 'SQLite' || size === 'short' ? largeRows[size] : largeRows[size] / 10
}

async function storeLargeRows({ database }: OpenedDatabase, { engine }: Scene, rows: number): Promise<void> {
  const bytes = sql.lit(5000)
  // Noise, so that neither engine stores less than it is given.
  const noise =
    engine === 'SQLite'
      ? sql`hex(randomblob(${bytes}))`
      : sql`(select string_agg(md5(random()::text || part || n), '') from generate_series(1, 312) as part)`
  await sql`
    insert into job_events (id, project_id, kind, data, created_at)
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(rows)})
    select 'large-' || n, 'p', 'large', ${noise}, 1 from numbers`.execute(database.db)
}

async function measure(opened: OpenedDatabase, scene: Scene, size: Size): Promise<readonly Figure[]> {
  const file = join(scene.cwd, 'live.backup')
  const { url, schema } = opened
  const parts = { url, schema, migrations, clock: systemClock, random: systemRandom, toolVersion: 'torture' }
  const before = await writtenRows(opened)
  const begin = performance.now()
  const backup = await backUp({ ...parts, reason: 'manual', place: { file } })
  const ms = performance.now() - begin
  const after = await writtenRows(opened)
  const { largest, count, large } = scene.engine === 'SQLite' ? contentOfFile(file) : contentOfExport(file)
  return [
    noted('database', `${(sizeOf(opened, backup.bytes) / 1e6).toFixed(0)} MB`),
    noted('seconds of the backup, read back and compared', ms / 1000),
    noted('rows committed before it / by its end', `${before} / ${after}`),
    atLeast('rows committed while it ran', after - before, { limit: size === 'short' ? 0 : 1 }),
    exactly('rows committed before it and not in it', Math.max(0, before - largest), 0),
    exactly('rows of the writer that are missing between others', largest - count, 0),
    exactly('large rows lost', rowsFor(scene, size) - large, 0),
    ...(size === 'normal' && scene.engine === 'SQLite'
      ? [atMost('its seconds, for 200 MB', ms / 1000, { limit: 5 })]
      : []),
  ]
}

function sizeOf({ url, schema }: OpenedDatabase, bytes: number): number {
  return schema === undefined ? statSync(url).size : bytes
}

async function writtenRows({ database }: OpenedDatabase): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from job_events where kind = 'written'`.execute(database.db)
  return rows[0]?.count ?? 0
}

interface Content {
  /** The highest number that the writer's rows have. */
  readonly largest: number
  readonly count: number
  readonly large: number
}

function contentOfFile(path: string): Content {
  const file = new SqliteFile(path, { readonly: true })
  const row = file
    .prepare(
      `select coalesce(max(cast(substr(id, 3) as integer)) filter (where kind = 'written'), 0) as largest,
        count(*) filter (where kind = 'written') as count, count(*) filter (where kind = 'large') as large
      from job_events`,
    )
    .get() as Content
  file.close()
  return row
}

function contentOfExport(path: string): Content {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n')
  const numbers = lines.flatMap((line) => (line.startsWith('["w-') ? [Number(line.slice(4, 13))] : []))
  return {
    largest: numbers.reduce((most, one) => Math.max(most, one), 0),
    count: numbers.length,
    large: lines.filter((line) => line.startsWith('["large-')).length,
  }
}
