/** What a dry run prints is what a run sends, and what cannot be sent is found without touching the database. */
import { join } from 'node:path'
import { sql, type KyselyPlugin } from 'kysely'
import { migrations } from '../../../migrations/index.ts'
import type { Database } from '../../../src/database/connection.ts'
import type { EngineName } from '../../../src/database/migration/engine.ts'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { openForReading } from '../../../src/database/migration/open-for-reading.ts'
import { isPending, reviewMigrations, type MigrationReview } from '../../../src/database/migration/review-migrations.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom, systemRandom } from '../../../src/runtime/random.ts'
import { beforeFaulty, faultyMigrations } from '../../support/faulty-migrations.ts'
import { changesDuring } from '../../support/statement-witness.ts'
import { atLeast, exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import { apply, inBareDatabase, migrateOptions, openPlace, type BareDatabase, type BarePlace } from './bare-database.ts'
import type { DatabaseItem } from './item.ts'

export const exactSql: DatabaseItem = {
  numbers: [3],
  name: 'exact sql',
  promise: 'for either engine the dry run prints byte for byte what the run sends, the ledger included',
  run: runExactSql,
}

export const faults: DatabaseItem = {
  numbers: [4],
  name: 'faults',
  promise: 'every faulty migration is found on a clone, while real tables see readers only',
  run: runFaults,
}

const engines: readonly EngineName[] = ['sqlite', 'postgres']

interface ReviewWish {
  readonly migrations: readonly Migration[]
  /** Sees every statement of the validation. */
  readonly witness?: KyselyPlugin
}

async function review(place: BarePlace, { migrations: wanted, witness }: ReviewWish): Promise<MigrationReview> {
  const { url, schema } = place
  const reading = await openForReading(url, { clock: systemClock, random: systemRandom, schema })
  const openScratch = async (name: string): Promise<Database> => {
    const scratch = await reading.openScratch(name)
    return witness === undefined ? scratch : { ...scratch, db: scratch.db.withPlugin(witness) }
  }
  const options = { ...migrateOptions, migrations: wanted, openScratch, engines, schema: schema ?? 'orch' }
  try {
    return await reviewMigrations(reading.database, options)
  } finally {
    await reading.close()
  }
}

/** The two numbers that only the run knows. */
function withoutMoments(statement: string): string {
  return statement.replace(/, (\d+|<duration_ms>), '([^']*)', (\d+|<now_ms>)\)$/, `, _, '$2', _)`)
}

async function runExactSql(scene: Scene): Promise<readonly Figure[]> {
  return inBareDatabase(scene, async (bare) => {
    const planned = await review(bare, { migrations })
    const own: EngineName = bare.schema === undefined ? 'sqlite' : 'postgres'
    const sent = { [own]: await changesDuring(() => apply(bare.database, migrations)) }
    if (own === 'postgres') {
      const file = await openPlace({ url: join(scene.cwd, 'other.db'), schema: undefined })
      sent['sqlite'] = await changesDuring(() => apply(file, migrations))
      await file.close()
    }
    const differing = Object.entries(sent).flatMap(([engine, statements]) => {
      const printed = planned.steps.flatMap((step) => step.sql[engine as EngineName] ?? []).map(withoutMoments)
      return differences(printed, statements.map(withoutMoments))
    })
    for (const one of differing.slice(0, 3)) scene.report(`    ${one}\n`)
    const count = Object.values(sent).reduce((sum, statements) => sum + statements.length, 0)
    return [atLeast('statements sent', count, { limit: 40 }), exactly('statements that differ', differing.length, 0)]
  })
}

function differences(printed: readonly string[], sent: readonly string[]): readonly string[] {
  const length = Math.max(printed.length, sent.length)
  return Array.from({ length }, (_, index) => index)
    .filter((index) => printed[index] !== sent[index])
    .map((index) => `printed ${printed[index]}\n    sent    ${sent[index]}`)
}

async function runFaults(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const seeds = { short: 1, normal: 2, full: 20 }[size]
  return inBareDatabase(scene, async (bare) => {
    await apply(bare.database, beforeFaulty)
    const before = await contentNames(bare)
    const missed: string[] = []
    const locks = new LockWitness(bare)
    let count = 0
    for (let seed = 0; seed < seeds; seed++) {
      for (const { fault, migration } of faultyMigrations(seededRandom(scene.seed + seed))) {
        count += 1
        const found = await review(bare, { migrations: [...beforeFaulty, migration], witness: locks.plugin })
        if (found.findings.every(isPending)) missed.push(`${fault}: not found (${found.validation})`)
      }
    }
    if ((await contentNames(bare)) !== before) missed.push('something was left in the database')
    for (const one of missed) scene.report(`    ${one}\n`)
    const strong = exactly('locks above ACCESS SHARE on real tables', locks.strong, 0)
    const looked = bare.schema === undefined ? [] : [atLeast('looks at the locks', locks.looks, { limit: 5 }), strong]
    return [noted('faulty migrations', count), exactly('faults not found', missed.length, 0), ...looked]
  })
}

async function contentNames({ database }: BareDatabase): Promise<string> {
  const shape = await database.dialect.shape(database.db)
  return JSON.stringify([...shape].map(([name, columns]) => [name, ...columns]))
}

/** Looks after every statement of a validation which locks anybody holds on the tables of the real schema. */
class LockWitness {
  strong = 0
  looks = 0
  readonly plugin: KyselyPlugin

  constructor({ database, schema }: BareDatabase) {
    this.plugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        const { rows } = await sql<{ mode: string }>`
          select l.mode from pg_locks l join pg_class c on c.oid = l.relation
          join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = ${schema} and l.mode <> 'AccessShareLock'`.execute(database.db)
        this.looks += 1
        this.strong += rows.length
        return result
      },
    }
  }
}
