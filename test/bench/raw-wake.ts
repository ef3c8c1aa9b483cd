/** How soon a bare process starts what another commits: what `bench:wake` is measured beside. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'

const script = new URL('../../test/bench/raw-waker.js', import.meta.url).pathname
const table = 'create table raw_jobs (id integer primary key, state text not null)'

export interface RawWake {
  readonly engine: 'sqlite' | 'postgres'
  /** Of a file that is not there yet, or of a server. */
  readonly address: string
  readonly samples: number
}

/** Milliseconds from the return of a commit to reading that its row was taken, one per sample. */
export async function rawWake({ engine, address, samples }: RawWake): Promise<readonly number[]> {
  const commit = engine === 'sqlite' ? sqliteCommits(address) : await postgresCommits(address)
  const child = spawn(process.execPath, [script, engine, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const readLine = async () => (await lines.next()).value
  try {
    if ((await readLine()) !== 'ready') throw new Error('The bare process did not start')
    await pause(200)
    const latenciesMs: number[] = []
    for (let number = 1; number <= samples; number += 1) {
      await commit.insert(number)
      const committedAt = performance.now()
      if ((await readLine()) !== String(number)) throw new Error(`The bare process did not take row ${number}`)
      latenciesMs.push(performance.now() - committedAt)
      await pause(20 + (number % 7) * 11)
    }
    return latenciesMs
  } finally {
    child.kill('SIGKILL')
    await commit.close()
  }
}

interface Commits {
  insert(id: number): Promise<unknown>
  close(): Promise<void>
}

function sqliteCommits(path: string): Commits {
  const file = new BetterSqlite(path)
  file.pragma('journal_mode = wal')
  file.pragma('synchronous = full')
  file.exec(table)
  const insert = file.prepare("insert into raw_jobs values (?, 'ready')")
  return { insert: async (id) => insert.run(id), close: async () => void file.close() }
}

async function postgresCommits(url: string): Promise<Commits> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(table)
  const insert = async (id: number) => {
    await client.query('begin')
    await client.query("insert into raw_jobs values ($1, 'ready')", [id])
    await client.query("select pg_notify('raw_jobs', '')")
    await client.query('commit')
  }
  return { insert, close: () => client.end() }
}
