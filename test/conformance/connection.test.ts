import { expect, it } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import { describeEachDatabase } from '../support/databases.ts'

describeEachDatabase('a fresh database', (open) => {
  it('has every table of the migrations', async () => {
    const { db, dialect } = await open()
    const shape = await dialect.shape(db)
    expect([...shape.keys()].toSorted()).toEqual(
      expect.arrayContaining(migrations.map(({ table }) => table).toSorted()),
    )
  })

  it('has no table before migrating', async () => {
    const { db, dialect } = await open({ migrate: false })
    expect((await dialect.shape(db)).size).toBe(0)
  })
})
