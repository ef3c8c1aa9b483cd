/** Promise 7: of many migrations every destructive one is refused, in the dry run and in the run, and no addition is. */
import { sql } from 'kysely'
import { additive } from '../../support/additive-migrations.ts'
import { destructive, misdeclared } from '../../support/destructive-migrations.ts'
import { createNotes, noteMigration, type Fixture } from '../../support/migration-fixtures.ts'
import { atLeast, exactly, type Figure, type Scene, type Size } from '../line.ts'
import { apply, contentOf, dryRun, exitCodeOf, inBareDatabase } from './bare-database.ts'
import type { DatabaseItem } from './item.ts'

export const guard: DatabaseItem = {
  numbers: [7],
  name: 'guard',
  promise: 'every destructive migration is refused with 11 in the dry run and in the run, and no addition is',
  run: async (scene, size) => [...(await refusals(scene, size)), ...(await additions(scene, size))],
}

/** Every second one for a short look: each is compiled in a test of its own too. */
function fixtures(size: Size): readonly Fixture[] {
  const all = [...Object.values(destructive).map((up) => ({ up })), ...Object.values(misdeclared)]
  return size === 'short' ? all.filter((_, index) => index % 2 === 0) : all
}

async function refusals(scene: Scene, size: Size): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async (bare) => {
    await apply(bare.database, [createNotes])
    await sql`insert into notes (id, body) values ('a', 'kept'), ('b', 'kept')`.execute(bare.database.db)
    const before = await contentOf(bare.database)
    let planned = 0
    let applied = 0
    for (const { up, ...rest } of fixtures(size)) {
      const migrations = [createNotes, noteMigration(up, rest)]
      if ((await exitCodeOf(dryRun(bare, migrations))) === 11) planned += 1
      if ((await exitCodeOf(apply(bare.database, migrations))) === 11) applied += 1
    }
    const all = fixtures(size).length
    return [
      atLeast('destructive migrations', all, { limit: 30 }),
      exactly('destructive migrations that the dry run refuses with 11', planned, all),
      exactly('destructive migrations that the run refuses with 11', applied, all),
      exactly('databases changed by them', before === (await contentOf(bare.database)) ? 0 : 1, 0),
    ]
  })
}

async function additions(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const all = Object.values(additive)
  const chosen = size === 'short' ? all.slice(-4) : all
  let planned = 0
  let applied = 0
  let lost = 0
  for (const { up, ...rest } of chosen) {
    await inBareDatabase(scene, async (bare) => {
      await apply(bare.database, [createNotes])
      await sql`insert into notes (id, body) values ('a', 'kept')`.execute(bare.database.db)
      const migrations = [createNotes, noteMigration(up, rest)]
      const plan = await dryRun(bare, migrations)
      if (plan.validation === 'executed' && plan.problems.length === 0) planned += 1
      if ((await apply(bare.database, migrations)).steps.length === 1) applied += 1
      const { rows } = await sql`select id, body from notes`.execute(bare.database.db)
      if (JSON.stringify(rows) !== '[{"id":"a","body":"kept"}]') lost += 1
    })
  }
  return [
    atLeast('additions', all.length, { limit: 20 }),
    exactly('additions that the dry run executes without a complaint', planned, chosen.length),
    exactly('additions that the run applies', applied, chosen.length),
    exactly('additions after which a row differs', lost, 0),
  ]
}
