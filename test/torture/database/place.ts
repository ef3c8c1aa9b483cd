/** A place for a database that is not there yet, and what an outsider sees of it. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Scene } from '../line.ts'

export interface FreshPlace {
  readonly url: string
  readonly schema: string | undefined
  /** Names it to a call of orch. */
  readonly env: Readonly<Record<string, string>>
  /** Everything an outsider can see: every file with its bytes, or the catalog and the rows of the whole server. */
  trace(options?: TraceOptions): Promise<string>
  /** SQL from outside of orch; only on a server. */
  query(text: string): Promise<readonly Record<string, unknown>[]>
  remove(): Promise<void>
}

export interface TraceOptions {
  /** Also when each file and the directory changed; default true. */
  readonly times?: boolean
}

let places = 0

export function freshPlace({ cwd, server, engine }: Scene): FreshPlace {
  const number = (places += 1)
  if (engine === 'SQLite' || server === null) {
    const directory = join(cwd, `place-${number}`)
    mkdirSync(directory)
    const url = join(directory, 'orch.db')
    const env = { ORCH_DATABASE_URL: url }
    const none = () => Promise.reject(new Error('a file has no server'))
    return {
      url,
      schema: undefined,
      env,
      trace: async ({ times = true } = {}) => filesIn(directory, times),
      query: none,
      remove: async () => {},
    }
  }
  const { url } = server
  const schema = `place_${process.pid}_${number}`
  const query = (text: string) => asOutsider(url, text)
  return {
    url,
    schema,
    env: { ORCH_DATABASE_URL: url, ORCH_DB_SCHEMA: schema },
    trace: () => catalogOf(url, schema),
    query,
    remove: async () => void (await query(`drop schema if exists ${schema} cascade`)),
  }
}

/** Gives work a place and removes it afterwards. */
export async function inFreshPlace<T>(scene: Scene, work: (place: FreshPlace) => Promise<T>): Promise<T> {
  const place = freshPlace(scene)
  try {
    return await work(place)
  } finally {
    await place.remove()
  }
}

/** Names, rights, times and contents. */
function filesIn(directory: string, withTimes: boolean): string {
  if (!existsSync(directory)) return 'nothing'
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted()
  return names
    .map((name) => {
      const path = join(directory, name)
      const { mode, mtimeMs } = statSync(path)
      const content = statSync(path).isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '-'
      return `${name} ${mode} ${withTimes ? mtimeMs : ''} ${content}`
    })
    .concat(withTimes ? String(statSync(directory).mtimeMs) : '')
    .join('\n')
}

/** Every relation, column and constraint of the schema and of scratch schemas, and the content of every table. */
async function catalogOf(url: string, schema: string): Promise<string> {
  const rows = await asOutsider(
    url,
    `select n.nspname, c.relname, c.oid, c.relfilenode, c.relkind, c.relhasindex,
        array(select a.attname || ' ' || a.atttypid || ' ' || a.attnotnull from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 order by a.attnum) as columns,
        case when c.relkind = 'r' then (xpath('/row/h/text()', query_to_xml(format(
          'select md5(string_agg(t::text || t.xmin, %L order by t::text)) as h from %I.%I t', ',', n.nspname, c.relname),
          false, true, '')))[1]::text end as content
      from pg_namespace n left join pg_class c on c.relnamespace = n.oid
      where n.nspname = '${schema}' or n.nspname like 'orch_dry_run%' order by 1, 2`,
  )
  return JSON.stringify(rows)
}

async function asOutsider(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
