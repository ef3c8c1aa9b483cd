/** Proof that nobody wrote into the source while it was copied. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { sql } from 'kysely'
import type { Db } from '../../dialect/dialect.ts'

/** SHA-256 of a file and of the log that belongs to it: differs once somebody wrote into the database. */
export async function fileMark(path: string): Promise<string> {
  const hash = createHash('sha256')
  for (const part of [path, `${path}-wal`]) {
    hash.update(`${part}\n`)
    if (existsSync(part)) for await (const chunk of createReadStream(part)) hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}

/**
 * Differs once somebody wrote into one of the tables: a row that was written has another writing transaction, and one
 * that was deleted is missing in the count. To be read outside of a transaction.
 */
export async function tablesMark(db: Db, schema: string, tables: readonly string[]): Promise<string> {
  const marks: string[] = []
  for (const table of tables) {
    const { rows } = await sql<{ mark: string }>`
      select concat(count(*), ' ', sum(xmin::text::numeric)::text) as mark from ${sql.id(schema, table)}`.execute(db)
    marks.push(`${table} ${rows[0]?.mark}`)
  }
  return marks.join('\n')
}
