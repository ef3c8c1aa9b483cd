import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { backUp } from '../../../src/database/backup/back-up.ts'
import { restore } from '../../../src/database/backup/restore.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { describePostgres, temporaryDirectory, type TestDatabase } from '../../support/databases.ts'

const parts = { migrations, clock: systemClock, random: systemRandom, toolVersion: 'test' }

function keeping({ url, schema }: TestDatabase) {
  const directory = temporaryDirectory()
  const base = { ...parts, url, schema, place: { directory: join(directory, 'kept'), keep: 5 } }
  return {
    directory,
    take: () => backUp({ ...base, reason: 'manual' }),
    bringBack: (from: string) => restore({ ...base, from, isAlive: () => null, lockTimeoutMs: 1000 }),
  }
}

async function schemasLike({ db, schema }: TestDatabase): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select nspname as name from pg_namespace where nspname like ${`${schema}%`} or nspname like 'orch_restore_%'`.execute(
    db,
  )
  return rows.map(({ name }) => name)
}

describePostgres('a backup of a server', (open) => {
  it('says what it leaves out, and comes back with the grants; the old schema stays under another name', async () => {
    const database = await open()
    const { db, schema = '' } = database
    const { take, bringBack } = keeping(database)
    await sql`create table notes (body text)`.execute(db)
    await sql`alter table roles add column mood text`.execute(db)
    await sql`grant usage on schema ${sql.id(schema)} to public`.execute(db)
    await sql`grant select on jobs to public`.execute(db)
    const { path, leftOut } = await take()
    expect(leftOut).toEqual(['table notes', 'column roles.mood'])
    const { aside } = await bringBack(path)
    expect(await schemasLike(database)).toEqual(expect.arrayContaining([schema, aside]))
    const { rows } = await sql<{ acl: string }>`
      select coalesce(array_to_string(relacl, ','), '') as acl from pg_class
      where relname = 'jobs' and relnamespace = ${schema}::regnamespace`.execute(db)
    expect(rows[0]?.acl).toMatch(/(^|,)=r\//)
    await sql`drop schema ${sql.id(aside ?? '')} cascade`.execute(db)
  })

  it('is refused when a row of it was changed or lost, and leaves no schema behind', async () => {
    const database = await open()
    const { take, bringBack, directory } = keeping(database)
    const { path } = await take()
    const text = gunzipSync(readFileSync(path)).toString('utf8')
    const forged = join(directory, 'forged')
    const versions = [text.replace('"applied"', '"adopted"'), text.slice(0, -200), 'x', '']
    for (const version of versions) {
      writeFileSync(forged, gzipSync(version))
      await expect(bringBack(forged)).rejects.toMatchObject({ code: 'ORCH_BACKUP_FAILED' })
    }
    writeFileSync(forged, readFileSync(path).subarray(0, 300))
    await expect(bringBack(forged)).rejects.toMatchObject({ code: 'ORCH_BACKUP_FAILED' })
    expect(await schemasLike(database)).toEqual([database.schema])
  })
})
