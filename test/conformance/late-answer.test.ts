import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { hotStatement } from '../../src/database/dialect/hot-statement.ts'
import { lateAnswer } from '../../src/database/dialect/late-answer.ts'
import { describeEachDatabase } from '../support/databases.ts'

const insert = hotStatement<'given', never>((db, slot, adapter) =>
  lateAnswer(
    sql<never>`
      insert into orchestrator_config (key, value, updated_at)
      select key, value, 1 from ${adapter.givenRows(slot('given'), { key: 'text', value: 'text' })}`.compile(db),
  ),
)

const row = (key: string, value: string) => ({ given: [{ key, value }] })

async function values({ db }: Database): Promise<readonly string[]> {
  const rows = await db.selectFrom('orchestrator_config').select('value').orderBy('key').execute()
  return rows.map(({ value }) => value)
}

describeEachDatabase('a statement whose answer may come late', (open) => {
  it('is seen by the next statement and kept by the commit', async () => {
    const database = await open()
    const seen = await database.write(async (trx) => {
      await insert(trx, row('a', '1'))
      await insert(trx, row('b', '2'))
      return values({ ...database, db: trx })
    })
    expect(seen).toEqual(['1', '2'])
    expect(await values(database)).toEqual(['1', '2'])
  })

  it('fails its transaction with its own error, told to the next statement or to the commit', async () => {
    const database = await open()
    await insert(database.db, row('a', '1'))
    const code = (error: unknown) => database.dialect.classify(error)
    const untilNext = database.write(async (trx) => {
      await insert(trx, row('b', '2'))
      await insert(trx, row('a', 'again'))
      await insert(trx, row('c', '3'))
      return values({ ...database, db: trx })
    })
    expect(await untilNext.catch(code)).toBe('duplicate')
    const untilCommit = database.write(async (trx) => {
      await insert(trx, row('b', '2'))
      await insert(trx, row('a', 'again'))
    })
    expect(await untilCommit.catch(code)).toBe('duplicate')
    expect(await values(database)).toEqual(['1'])
  })

  it('leaves a connection that works when its transaction ends by another error', async () => {
    const database = await open()
    const run = database.write(async (trx) => {
      await insert(trx, row('a', '1'))
      throw new RangeError('stop')
    })
    await expect(run).rejects.toThrow(RangeError)
    await database.write((trx) => insert(trx, row('b', '2')))
    expect(await values(database)).toEqual(['2'])
  })

  it('takes any text with it', async () => {
    const database = await open()
    const texts = [
      'a "quoted" \\ {brace}, comma',
      'null',
      '',
      'line\nbreak',
      'naïve 😀',
      'half \ud800 pair',
      'nul \0 here',
    ]
    await insert(database.db, { given: texts.map((value, place) => ({ key: `k${place}`, value })) })
    expect(await values(database)).toEqual([...texts.slice(0, 5), 'half \ufffd pair', 'nul \ufffd here'])
  })
})
