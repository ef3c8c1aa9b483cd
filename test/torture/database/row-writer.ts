/** Writes numbered rows, one commit each, as fast as it can, until it is killed or its time is over. */
import { once } from 'node:events'
import SqliteFile from 'better-sqlite3'
import pg from 'pg'

export interface RowWriterInput {
  readonly url: string
  readonly schema: string | undefined
  readonly runMs: number
}

const { url, schema, runMs } = JSON.parse(process.argv[2] ?? '') as RowWriterInput
const { insert, close } = await openWriter()
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const end = performance.now() + runMs
let commits = 0
while (performance.now() < end) {
  await insert(`w-${String((commits += 1)).padStart(9, '0')}`)
  // Lets the process be told things.
  if (commits % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
}
process.stdout.write(`${JSON.stringify({ commits })}\n`)
await close()

interface Writer {
  insert(id: string): Promise<unknown>
  close(): Promise<void>
}

async function openWriter(): Promise<Writer> {
  const columns = '(id, project_id, kind, data, created_at)'
  if (schema === undefined) {
    const file = new SqliteFile(url, { timeout: 5000 })
    const statement = file.prepare(`insert into job_events ${columns} values (?, 'p', 'written', '{}', 1)`)
    return { insert: async (id) => statement.run(id), close: async () => void file.close() }
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const text = `insert into ${schema}.job_events ${columns} values ($1, 'p', 'written', '{}', 1)`
  return { insert: (id) => client.query(text, [id]), close: () => client.end() }
}
