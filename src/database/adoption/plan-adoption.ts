import type { Database } from '../connection.ts'
import { objectName } from '../migration/compiled-migration.ts'
import type { Migration } from '../migration/migration.ts'
import { readState } from '../migration/migration-state.ts'
import { prepareSteps, selectSteps } from '../migration/migration-step.ts'
import { unknownNote } from '../migration/unknown-migration.ts'
import type { MigrationLedgerRow } from '../tables.ts'
import { inspectSchema, missingCreateRight, type Inspection, type InspectionWish } from './inspection.ts'

/** A migration of orch's own schema that comes before the import. */
export interface PlannedObject {
  readonly name: string
  readonly table: string
  /** `adopted`: all of it exists already in a shape that fits, and is only recorded. */
  readonly outcome: MigrationLedgerRow['outcome']
  readonly creates: readonly string[]
}

export interface AdoptionPlan {
  readonly inspection: Inspection
  readonly objects: readonly PlannedObject[]
  /** Why nothing would be done: what exists in orch's schema disagrees with the migrations. */
  readonly problems: readonly string[]
}

/**
 * What stands in the other schema, and what orch's own still lacks, from the same selection as `db migrate`. Only
 * reads. `address` is the database's, for people. Throws what `inspectSchema` throws.
 */
export async function planAdoption(
  database: Pick<Database, 'db' | 'dialect' | 'address'>,
  migrations: readonly Migration[],
  wish: InspectionWish,
): Promise<AdoptionPlan> {
  const inspection = await inspectSchema(database.db, database, wish)
  // What this role may not read cannot be compared with the migrations either.
  const { objects, problems } =
    inspection.rights.closedTables.length > 0 ? { objects: [], problems: [] } : await planObjects(database, migrations)
  const creates = objects.some(({ outcome }) => outcome === 'applied')
  const missingRights = [...(creates ? missingCreateRight(inspection) : []), ...inspection.missingRights]
  return { inspection: { ...inspection, missingRights }, objects, problems }
}

async function planObjects(
  { db, dialect }: Pick<Database, 'db' | 'dialect'>,
  migrations: readonly Migration[],
): Promise<Omit<AdoptionPlan, 'inspection'>> {
  const source = await prepareSteps(dialect, migrations)
  const state = await readState(db, source)
  const { steps } = selectSteps(source, state)
  return {
    objects: steps.map(({ compiled, state: { absent }, outcome }) => ({
      name: compiled.migration.name,
      table: compiled.migration.table,
      outcome,
      creates: absent.map(({ creates }) => objectName(creates)),
    })),
    problems: [
      ...state.ledgerProblems,
      ...state.migrations.flatMap(({ problems }) => problems),
      ...state.unknown.map((row) => `${row.name}: ${unknownNote(row, migrations).note}`),
    ],
  }
}
