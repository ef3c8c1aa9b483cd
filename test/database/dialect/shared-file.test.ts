import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, inject, it } from 'vitest'
import { openDatabase } from '../../../src/database/connection.ts'
import { engineError } from '../../../src/database/dialect/engine-error.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { temporaryDirectory } from '../../support/databases.ts'

it.each([true, false])('a replaced file is gone on with only where it is not pinned (%s)', async (pinned) => {
  const url = join(temporaryDirectory(), 'orch.db')
  const template = readFileSync(inject('migratedTemplate').file)
  writeFileSync(url, template)
  let nowMs = 0
  const clock = { ...systemClock, monotonic: () => nowMs }
  const database = await openDatabase(url, { clock, random: seededRandom(1), pinned })
  await sql`create table mine (id text)`.execute(database.db)
  writeFileSync(`${url}.other`, template)
  renameSync(`${url}.other`, url)
  nowMs += 1000
  const refusal = await sql`create table notes (id text)`.execute(database.db).then(
    () => null,
    (error: unknown) => engineError(error),
  )
  expect(refusal?.message.includes(`${url} was moved or replaced`)).toBe(pinned ? true : undefined)
  await database.close()
  // Whoever pinned it wrote nothing into what is there now.
  expect(readFileSync(url).equals(template)).toBe(pinned)
})
