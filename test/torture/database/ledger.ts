/** Promises 14 and 15: the ledger knows what ran, an edit or a gap never passes unseen, and clocks decide nothing. */
import { sql, type Kysely } from 'kysely'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom, type Random } from '../../../src/runtime/random.ts'
import { createNotes, noteMigration, numberedMigrations } from '../../support/migration-fixtures.ts'
import { exactly, type Figure, type Scene, type Size } from '../line.ts'
import { apply, contentOf, dryRun, exitCodeOf, inBareDatabase, openPlace } from './bare-database.ts'
import type { DatabaseItem } from './item.ts'

const hourMs = 3_600_000

export const ledger: DatabaseItem = {
  numbers: [14, 15],
  name: 'ledger',
  promise:
    'an edited, removed or unknown migration is named with 12; skewed clocks, odd names and late arrivals are no error',
  run: async (scene, size) => [
    ...(await record(scene)),
    ...(await disagreements(scene)),
    ...(await skew(scene, size)),
    ...(await outOfOrder(scene)),
  ],
}

async function record(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async ({ database }) => {
    await apply(database, numberedMigrations(3))
    const { rows } = await sql<Record<string, unknown>>`select * from orch_migrations order by sequence`.execute(
      database.db,
    )
    const whole = rows.filter(
      (row, index) =>
        row['sequence'] === index + 1 &&
        /^[0-9a-f]{64}$/.test(String(row['checksum'])) &&
        row['tool_version'] === 'torture' &&
        Number(row['duration_ms']) >= 0 &&
        row['outcome'] === 'applied',
    )
    return [exactly('rows with sequence, checksum, tool version, duration and outcome', whole.length, 3)]
  })
}

const edited: Migration = {
  ...createNotes,
  up: async (db) => {
    await createNotes.up(db)
    await db.schema.createIndex('notes_id').on('notes').column('id').execute()
  },
}

/** Each with 12 in the dry run's problems and in the run, which names the migration and writes nothing. */
async function disagreements(scene: Scene): Promise<readonly Figure[]> {
  const [first, second, third] = numberedMigrations(3) as [Migration, Migration, Migration]
  const cases: readonly (readonly [string, readonly Migration[], readonly Migration[], string])[] = [
    ['edited', [createNotes], [edited], createNotes.name],
    ['removed', [first, second, third], [first, third], second.name],
    ['newer', [first, second, third], [first, second], third.name],
  ]
  const figures: Figure[] = []
  for (const [what, then, now, name] of cases) {
    await inBareDatabase(scene, async (bare) => {
      await apply(bare.database, then)
      const before = await contentOf(bare.database)
      const later = noteMigration((db) => db.schema.createTable('later').addColumn('id', 'text').execute(), {
        table: 'later',
      })
      const { problems } = await dryRun(bare, [...now, later])
      const call = apply(bare.database, [...now, later])
      const message = await call.then(
        () => '',
        (error: unknown) => String(error),
      )
      const named = problems.some((text) => text.includes(name)) && message.includes(name)
      figures.push(
        exactly(`exit code for a migration that was ${what}`, await exitCodeOf(call), 12),
        exactly(
          `${what}: named by the dry run and the run, nothing written`,
          named && before === (await contentOf(bare.database)) ? 1 : 0,
          1,
        ),
      )
    })
  }
  return figures
}

/** Names that sort differently under every rule there is, and clocks that disagree by two hours. */
const oddNames = ['1_B', '1_a', '1_A', '1_b', 'Ä-first', 'a-last', 'Z', '_', '10', '9']

async function skew(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const random = seededRandom(scene.seed)
  // A server judges time by its own clock, and takes longer.
  const rounds = size === 'short' ? 1 : scene.engine === 'Postgres' ? 5 : 20
  let clean = 0
  for (let round = 0; round < rounds; round++) {
    const migrations = shuffled(oddNames, random).map(oddlyNamed)
    await inBareDatabase(scene, async ({ url, schema }) => {
      // Ahead, behind, ahead again: what is there grows from one to the next.
      const steps = [3, 6, 10, 10]
      let problems = 0
      for (const [index, known] of steps.entries()) {
        const skewMs = index % 2 === 0 ? hourMs : -hourMs
        const clock = { ...systemClock, now: () => systemClock.now() + skewMs }
        const database = await openPlace({ url, schema }, { clock })
        const wanted = migrations.slice(0, known)
        const run = apply(database, wanted, { clock })
        const applied = await run.then(({ steps: done }) => done.length).catch(() => -1)
        if (applied !== known - (steps[index - 1] ?? 0)) problems += 1
        await database.close()
      }
      if (problems === 0) clean += 1
    })
  }
  return [
    exactly(`runs without an error under clocks that are off by an hour and odd names, of ${rounds}`, clean, rounds),
  ]
}

function shuffled<T>(values: readonly T[], random: Random): readonly T[] {
  return values
    .map((value) => ({ value, place: random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value)
}

function oddlyNamed(name: string, index: number): Migration {
  const table = `odd_${index}`
  const up = (db: Kysely<unknown>) => db.schema.createTable(table).addColumn('id', 'text').execute()
  return { name, table, reason: 'odd', columns: ['id'], indexes: [], up }
}

/** A migration that arrives after later ones ran, from a branch that was merged late. */
async function outOfOrder(scene: Scene): Promise<readonly Figure[]> {
  const [first, second, third] = numberedMigrations(3) as [Migration, Migration, Migration]
  const independent = await inBareDatabase(scene, async (bare) => {
    await apply(bare.database, [first, third])
    const planned = await dryRun(bare, [first, second, third])
    const { steps } = await apply(bare.database, [first, second, third])
    const again = await apply(bare.database, [first, second, third])
    return [planned.steps.map(({ name }) => name).join(), steps.map(({ name }) => name).join(), again.steps.length]
  })
  const dependent = await inBareDatabase(scene, async (bare) => {
    await apply(bare.database, [first, createNotes])
    const before = await contentOf(bare.database)
    const early = noteMigration((db) => db.schema.alterTable('notes').addColumn('early', 'text').execute())
    const wrongOrder = [first, early, createNotes]
    const { problems } = await dryRun(bare, wrongOrder)
    const code = await exitCodeOf(apply(bare.database, wrongOrder))
    const named = problems.filter((text) => text.includes(early.name) && text.includes(createNotes.name)).length
    return { code, named, same: before === (await contentOf(bare.database)) }
  })
  const wanted = [second.name, second.name, 0]
  return [
    exactly(
      'late migrations of their own that are planned, applied, and applied once',
      independent.join() === wanted.join() ? 1 : 0,
      1,
    ),
    exactly('exit code for a late one that needs what a later one makes', dependent.code, 12),
    exactly('it is named by the dry run, and nothing is written', dependent.named === 1 && dependent.same ? 1 : 0, 1),
  ]
}
