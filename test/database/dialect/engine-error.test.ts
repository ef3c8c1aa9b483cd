import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { engineError } from '../../../src/database/dialect/engine-error.ts'
import { describeEachDatabase } from '../../support/databases.ts'

describeEachDatabase('an error of the engine', (open) => {
  it('that nobody expected ends with exit 6, not as a bug', async () => {
    const { db } = await open({ migrate: false })
    const thrown: unknown = await sql`select * from nowhere`.execute(db).catch((error: unknown) => error)
    expect(engineError(thrown)).toMatchObject({ code: 'ORCH_DATABASE_FAILED', exitCode: 6, cause: thrown })
  })
})

it.each([
  ['SQLITE_FULL', 'The disk is full'],
  ['SQLITE_READONLY_DBMOVED', 'Nothing was written to what is there now: look at it, then run it again'],
  ['SQLITE_READONLY_DIRECTORY', 'You may not write there'],
  ['42501', 'You may not write there'],
  ['57P01', 'The connection was lost; check that the server runs'],
])('the code %s has its hint', (code, hint) => {
  expect(engineError(Object.assign(new Error('x'), { code }))?.hint).toBe(hint)
})

it.each([
  new TypeError('x'),
  Object.assign(new Error('x'), { code: 'ENOENT' }),
  Object.assign(new Error(), { code: 'EPIPE' }),
])('another error stays what it is: %o', (error) => {
  expect(engineError(error)).toBeNull()
})
