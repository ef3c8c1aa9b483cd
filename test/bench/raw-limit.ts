/** What the engines themselves can do: claim and complete in batches, written by hand, one small table, no history. */
import { rmSync } from 'node:fs'
import SqliteFile from 'better-sqlite3'
import pg from 'pg'

export interface RawExtent {
  readonly jobs: number
  /** Completed and claimed together in one transaction. */
  readonly batch: number
}

const payload = 'x'.repeat(200)

/** Jobs per second on a fresh file, which is removed. */
export function rawSqlite(path: string, synchronous: 'full' | 'normal', { jobs, batch }: RawExtent): number {
  const file = new SqliteFile(path)
  try {
    file.pragma('journal_mode = wal')
    file.pragma(`synchronous = ${synchronous}`)
    file.exec(
      'create table raw_jobs (id integer primary key, state text, priority integer, attempt integer, payload text)',
    )
    file.exec("create index raw_claim on raw_jobs (priority desc, id) where state = 'ready'")
    const insert = file.prepare("insert into raw_jobs (state, priority, attempt, payload) values ('ready', 1, 0, ?)")
    file.transaction(() => {
      for (let index = 0; index < jobs; index++) insert.run(payload)
    })()
    const complete = file.prepare(
      "update raw_jobs set state = 'completed' where id in (select value from json_each(?))",
    )
    const claim = file.prepare(`update raw_jobs set state = 'running', attempt = attempt + 1 where id in (
      select id from raw_jobs where state = 'ready' order by priority desc, id limit ?) returning id, payload`)
    const turn = file.transaction((ended: readonly number[]) => {
      if (ended.length > 0) complete.run(JSON.stringify(ended))
      return (claim.all(batch) as { id: number }[]).map(({ id }) => id)
    })
    const begin = performance.now()
    for (let held = turn.immediate([]); held.length > 0;) held = turn.immediate(held)
    return (jobs / (performance.now() - begin)) * 1000
  } finally {
    file.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  }
}

/** Jobs per second over one connection, in a schema of its own, which is removed. */
export async function rawPostgres(url: string, { jobs, batch }: RawExtent): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('create schema raw_limit; set search_path = raw_limit')
    await client.query(`create table raw_jobs (id bigint primary key, state text, priority int, attempt int, payload text);
      create index raw_claim on raw_jobs (priority desc, id) where state = 'ready'`)
    await client.query("insert into raw_jobs select n, 'ready', 1, 0, $2 from generate_series(1, $1::int) n", [
      jobs,
      payload,
    ])
    const turn = async (ended: readonly string[]) => {
      await client.query('begin')
      if (ended.length > 0) {
        const text = "update raw_jobs set state = 'completed' where id = any($1::bigint[])"
        await client.query({ name: 'complete', text, values: [ended] })
      }
      const text = `update raw_jobs set state = 'running', attempt = attempt + 1 where id in (
        select id from raw_jobs where state = 'ready' order by priority desc, id limit $1 for update skip locked)
        returning id, payload`
      const { rows } = await client.query<{ id: string }>({ name: 'claim', text, values: [batch] })
      await client.query('commit')
      return rows.map(({ id }) => id)
    }
    const begin = performance.now()
    for (let held = await turn([]); held.length > 0;) held = await turn(held)
    return (jobs / (performance.now() - begin)) * 1000
  } finally {
    await client.query('drop schema if exists raw_limit cascade').catch(() => {})
    await client.end()
  }
}
