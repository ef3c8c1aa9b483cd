import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrate } from '../../../../src/database/migration/migrate.ts'
import type { Migration } from '../../../../src/database/migration/migration.ts'
import { planTransfer, transfer } from '../../../../src/database/migration/transfer/transfer.ts'
import { describePostgres, temporaryDirectory } from '../../../support/databases.ts'
import { contentOf, openRaw, transferFile, transferParts } from '../../../support/transfer-places.ts'

/** Types that orch's own tables do not use yet. */
const types = {
  flag: 'boolean',
  bytes: 'bytea',
  ratio: 'double precision',
  single: 'real',
  small: 'smallint',
  short: 'varchar(5)',
  body: 'jsonb',
  at: 'timestamptz',
} as const

const typed: Migration = {
  name: '9000-typed',
  table: 'typed',
  reason: 'a fixture',
  columns: ['id', ...Object.keys(types)],
  indexes: [],
  up: async (db) => {
    let table = db.schema.createTable('typed').addColumn('id', 'bigint', (column) => column.notNull())
    for (const [name, type] of Object.entries(types)) table = table.addColumn(name, type)
    await table.addPrimaryKeyConstraint('typed_pk', ['id']).execute()
  },
}

const rows = [
  [
    1n,
    1n,
    Buffer.from([0, 255, 10]),
    0.1,
    0.1,
    32_767n,
    'Ünï🚀x',
    '{"a":[1.5,null],"b":"x"}',
    '2026-01-02T03:04:05.678901Z',
  ],
  [2n, 0n, Buffer.alloc(0), 1.797_693_134_862_315_7e308, 16_777_216, -32_768n, '', '5', '0001-01-01T00:00:00.000000Z'],
  [9_223_372_036_854_775_807n, null, null, null, null, null, null, null, null],
  [
    -9_223_372_036_854_775_808n,
    1n,
    Buffer.from('MixedCase'),
    5e-324,
    -1.5,
    0n,
    'aB',
    '"\\u00e9"',
    '2026-12-31T23:59:59.999999Z',
  ],
]

describePostgres('a transfer of every type', (open) => {
  it('keeps booleans, bytes, fractions, JSON and moments exact both ways', async () => {
    const server = await open({ migrate: false })
    const parts = transferParts(server)
    const migrations = [...parts.migrations, typed]
    const { path, raw } = transferFile()
    await migrate(await server.connect({ url: path }), { ...parts, migrations })
    const insert = raw.prepare(`insert into typed values (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    for (const row of rows) insert.run(row)
    await transfer({ ...parts, migrations, from: path, to: server.url })
    const { rows: there } = await sql<Record<string, unknown>>`
      select flag, bytes, ratio, single, body, at = '2026-01-02 03:04:05.678901+00' as same, body ->> 'b' as member
      from ${sql.table('typed')} where id = 1`.execute(server.db)
    expect(there).toEqual([
      {
        flag: true,
        bytes: Buffer.from([0, 255, 10]),
        ratio: 0.1,
        single: 0.1,
        body: { a: [1.5, null], b: 'x' },
        same: true,
        member: 'x',
      },
    ])
    const home = join(temporaryDirectory(), 'home.db')
    await transfer({ ...parts, migrations, from: server.url, to: home })
    const [before, after] = [contentOf(raw)['typed'], contentOf(openRaw(home).raw)['typed']]
    expect(after).toEqual(before?.map((row) => row.replace(String.raw`"\u00e9"`, '"é"')))
  })

  it('lists what such columns would refuse', async () => {
    const server = await open({ migrate: false })
    const parts = transferParts(server)
    const migrations = [...parts.migrations, typed]
    const { path, raw } = transferFile()
    await migrate(await server.connect({ url: path }), { ...parts, migrations })
    raw
      .prepare('insert into typed values (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run([7n, 2n, 'text', 'word', 0.123456789, 32_768n, 'sixsix', '{bad', 1_767_323_045_000n])
    const { refused } = await planTransfer({ ...parts, migrations, from: path, to: server.url })
    expect(refused.map(({ key, column }) => [key, column])).toEqual(
      Object.keys(types).map((name) => [{ id: '7' }, name]),
    )
    // The server would have refused each of them too.
    await migrate(server, { ...parts, migrations })
    for (const [column, value] of [
      ['flag', 2],
      ['small', 32_768],
      ['short', 'sixsix'],
      ['body', '{bad'],
      ['at', 1_767_323_045_000],
    ] as const) {
      const insert = sql`insert into ${sql.table('typed')} (id, ${sql.ref(column)}) values (1, ${value})`
      await expect(insert.execute(server.db)).rejects.toMatchObject({ code: expect.stringMatching(/^22|^42/) })
    }
  })
})
