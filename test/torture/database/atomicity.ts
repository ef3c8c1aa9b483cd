/** Promise 9: a migration that fails at any statement leaves nothing behind, and the corrected one applies. */
import { sql, type Kysely } from 'kysely'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { createNotes } from '../../support/migration-fixtures.ts'
import { exactly, noted, type Figure } from '../line.ts'
import { apply, contentOf, exitCodeOf, inBareDatabase } from './bare-database.ts'
import type { DatabaseItem } from './item.ts'

interface Labels {
  labels: { id: number | null; name: string }
}

/** A table, three indexes and two rows. */
const statements = 6

export const atomicity: DatabaseItem = {
  numbers: [9],
  name: 'atomicity',
  promise:
    'a migration that fails at statement k leaves catalog and ledger as they were, for every k, and applies once corrected',
  run: async (scene, size) => {
    let failed = 0
    let unchanged = 0
    let corrected = 0
    const places: readonly (readonly Migration[])[] = size === 'short' ? [[]] : [[], [createNotes]]
    for (const before of places) {
      for (let failing = 1; failing <= statements; failing++) {
        await inBareDatabase(scene, async ({ database }) => {
          await apply(database, before)
          const content = await contentOf(database)
          const objects = await schemaExists(database.db, database.dialect.schema)
          if ((await exitCodeOf(apply(database, [...before, labels(failing)]))) === 6) failed += 1
          const same = content === (await contentOf(database))
          if (same && objects === (await schemaExists(database.db, database.dialect.schema))) unchanged += 1
          const { steps } = await apply(database, [...before, labels(null)])
          const { rows } = await sql`select id from labels order by id`.execute(database.db)
          if (steps.length === 1 && JSON.stringify(rows) === '[{"id":1},{"id":2}]') corrected += 1
        })
      }
    }
    const all = places.length * statements
    const figures: readonly Figure[] = [
      noted('statements k, in an empty database and in one with rows', `1 to ${statements}`),
      exactly('runs that fail with 6', failed, all),
      exactly('databases unchanged after them', unchanged, all),
      exactly('corrected migrations that apply', corrected, all),
    ]
    return figures
  },
}

/** Statement number `failing` cannot be executed. */
function labels(failing: number | null): Migration {
  return {
    name: '9500-labels',
    table: 'labels',
    reason: 'fails where it is told to',
    columns: ['id', 'name'],
    indexes: ['labels_2', 'labels_3', 'labels_4'],
    up: async (db) => {
      const table = db.schema
        .createTable('labels')
        .addColumn('id', 'integer', (column) => column.notNull().unique())
        .addColumn('name', 'text')
      await (failing === 1 ? table.addColumn('name', 'text') : table).execute()
      for (const number of [2, 3, 4]) {
        const column = failing === number ? 'nowhere' : 'name'
        await db.schema.createIndex(`labels_${number}`).on('labels').column(column).execute()
      }
      const rows = db as Kysely<Labels>
      await rows
        .insertInto('labels')
        .values({ id: failing === 5 ? null : 1, name: 'a' })
        .execute()
      await rows
        .insertInto('labels')
        .values({ id: failing === 6 ? 1 : 2, name: 'b' })
        .execute()
    },
  }
}

/** On a server the schema is made by the first migration, and goes with it. */
async function schemaExists(db: Parameters<typeof contentOf>[0]['db'], schema: string | null): Promise<boolean> {
  if (schema === null) return true
  const { rows } = await sql`select 1 from pg_catalog.pg_namespace where nspname = ${schema}`.execute(db)
  return rows.length > 0
}
