/** A program that knows nothing of orch and writes to the same SQLite file as fast as it can. */
import { once } from 'node:events'
import SqliteFile from 'better-sqlite3'

export interface ForeignWriterInput {
  readonly url: string
  readonly runMs: number
}

export interface ForeignWriterReport {
  readonly commits: number
  /** From asking for the lock to the end of the commit, without the waiting for others. */
  readonly slowestMs: number
}

const { url, runMs } = JSON.parse(process.argv[2] ?? '') as ForeignWriterInput
// Waits in the engine for its turn, as a program does that was written without a thought about others.
const file = new SqliteFile(url, { timeout: 5000 })
file.pragma('journal_mode = wal')
file.pragma('synchronous = full')
file.exec('create table if not exists foreign_notes (id integer primary key, text text)')
const insert = file.prepare('insert into foreign_notes (text) values (?)')
process.stdout.write('ready\n')
await once(process.stdin, 'data')
let commits = 0
let slowestMs = 0
const end = performance.now() + runMs
while (performance.now() < end) {
  file.exec('begin immediate')
  const begin = performance.now()
  insert.run('x'.repeat(200))
  file.exec('commit')
  slowestMs = Math.max(slowestMs, performance.now() - begin)
  commits += 1
}
file.close()
process.stdout.write(`${JSON.stringify({ commits, slowestMs } satisfies ForeignWriterReport)}\n`)
