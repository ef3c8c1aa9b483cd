/** Everything that is wrong with a database, found by looking only. */
import type { Database } from '../connection.ts'
import { countOrphans, relations, type Relation } from '../queries/orphans.ts'
import type { MigrationLedgerRow } from '../tables.ts'
import type { Catalog } from './catalog.ts'
import { objectName, type CreatedObject } from './compiled-migration.ts'
import { conflictsOf } from './object-shape.ts'
import { readState, type DatabaseState, type MigrationState } from './migration-state.ts'
import { prepareSteps, type MigrationSource } from './migration-step.ts'
import type { Migration } from './migration.ts'
import { unknownNote } from './unknown-migration.ts'

export type FindingKind =
  /** A migration was not applied yet. */
  | 'pending'
  /** What an applied migration made is gone. */
  | 'missing'
  /** A migration is not the one that was applied. */
  | 'edited'
  /** Something exists under the name of orch's object and is not of its shape. */
  | 'conflict'
  /** An index whose build failed: it exists and enforces nothing. */
  | 'invalid_index'
  /** A migration of a newer orch. */
  | 'newer'
  /** A migration in the ledger that this orch does not have, although it has later ones. */
  | 'unknown'
  /** Rows that point at nothing. */
  | 'orphans'
  /** The engine itself says that the file is damaged. */
  | 'damaged'

export interface Finding {
  readonly kind: FindingKind
  /** The migration, or the object: `table jobs`, `index jobs_claim`, `column tasks.job_id`. */
  readonly subject: string
  /** One sentence. */
  readonly message: string
  /** What to do about it, one sentence or command. */
  readonly next: string
  /** How many rows or objects; 1 unless counted. */
  readonly count: number
}

export interface DatabaseCheck {
  readonly findings: readonly Finding[]
  /** Relations whose rows were looked at; those of missing tables are not. */
  readonly relationsChecked: number
  /** Who migrates at this moment, for people; null where nobody does, or nobody can tell. */
  readonly lockHolder: string | null
}

/**
 * Compares ledger, catalog, migrations and rows. Writes nothing, waits for no lock, and needs only the right to
 * read. Throws ORCH_MIGRATION_REFUSED for a migration that the guard refuses.
 */
export async function checkDatabase(database: Database, migrations: readonly Migration[]): Promise<DatabaseCheck> {
  const source = await prepareSteps(database.dialect, migrations)
  const { engine } = source
  const damages = await engine.readDamages(database.db)
  // Nothing read from a damaged file can be relied on.
  if (damages.length > 0) return { findings: damages.map(damaged), relationsChecked: 0, lockHolder: null }
  const state = await readState(database.db, source)
  const catalog = await engine.readCatalog(database.db)
  const usable = relations.filter((relation) => canCompare(relation, catalog))
  const orphans: Finding[] = []
  for (const relation of usable) orphans.push(...orphaned(relation, await countOrphans(database.db, relation)))
  const findings = [...stateFindings({ state, catalog, source, migrations }), ...orphans]
  return { findings, relationsChecked: usable.length, lockHolder: await engine.lockHolder(database) }
}

export interface StateView {
  readonly state: DatabaseState
  readonly catalog: Catalog
  readonly source: MigrationSource
  readonly migrations: readonly Migration[]
}

/** What ledger, catalog and migrations tell about each other. */
export function stateFindings({ state, catalog, source, migrations }: StateView): readonly Finding[] {
  return [
    ...(state.ledgerExists ? [] : [noLedger]),
    ...state.ledgerProblems.map((message) => conflict('table orch_migrations', message)),
    ...state.migrations.flatMap((migration) => findingsOf(migration, catalog)),
    ...invalidIndexes(catalog, source),
    ...state.unknown.map((row) => unknownMigration(row, migrations)),
  ]
}

const noLedger: Finding = {
  kind: 'pending',
  subject: 'table orch_migrations',
  message: 'there is no table orch_migrations: nothing is recorded',
  next: 'orch db migrate',
  count: 1,
}

function findingsOf(state: MigrationState, catalog: Catalog): readonly Finding[] {
  const { compiled, ledgerRow, standing } = state
  const { migration, statements } = compiled
  if (standing === 'pending' || standing === 'adoptable') return [pending(migration, standing === 'adoptable')]
  const edited = ledgerRow !== null && ledgerRow.checksum !== compiled.checksum ? [editedMigration(migration)] : []
  const conflicts = statements.flatMap(({ creates }) =>
    conflictsOf(creates, catalog).map((message) => conflict(objectName(creates), message)),
  )
  const gone = ledgerRow === null ? [] : state.absent.map(({ creates }) => missing(migration, creates))
  const disorder = state.disorder === null ? [] : [conflict(migration.name, state.disorder)]
  return [...edited, ...conflicts, ...disorder, ...gone]
}

function pending({ name, table }: Migration, exists: boolean): Finding {
  const message = exists
    ? `${name} is not recorded although all of ${table} that it makes exists`
    : `${name} is pending: ${table} lacks what it makes`
  return { kind: 'pending', subject: name, message, next: 'orch db migrate', count: 1 }
}

function missing({ name }: Migration, creates: CreatedObject): Finding {
  const subject = objectName(creates)
  const next = 'orch db migrate creates it again, empty; orch db restore brings back a backup'
  return { kind: 'missing', subject, message: `${subject} of ${name} was there and is gone`, next, count: 1 }
}

function editedMigration({ name }: Migration): Finding {
  const next = 'Use the orch that applied it: a landed migration never changes'
  return { kind: 'edited', subject: name, message: `${name} was edited after it was applied`, next, count: 1 }
}

function conflict(subject: string, message: string): Finding {
  const next = 'Rename or repair it: orch never changes what exists'
  return { kind: 'conflict', subject, message, next, count: 1 }
}

/** Also those that orch did not make: they slow every write and answer no question. */
function invalidIndexes({ indexes }: Catalog, { schema }: MigrationSource): readonly Finding[] {
  const at = schema === null ? '' : `${schema}.`
  return [...indexes]
    .filter(([, { valid }]) => !valid)
    .map(([name, { table }]) => ({
      kind: 'invalid_index',
      subject: `index ${name}`,
      message: `index ${name} on ${table} is invalid: its build did not finish, and it enforces nothing`,
      next: `reindex index concurrently ${at}${name}, or drop it and run orch db migrate`,
      count: 1,
    }))
}

function unknownMigration(row: MigrationLedgerRow, migrations: readonly Migration[]): Finding {
  const { isNewer, note } = unknownNote(row, migrations)
  const next = isNewer ? 'Update orch; reading still works with this version' : 'Use the orch that applied it'
  return { kind: isNewer ? 'newer' : 'unknown', subject: row.name, message: `${row.name} is ${note}`, next, count: 1 }
}

/** Whether both ends exist with the same type; a view or a column of another type is a conflict already. */
function canCompare({ table, column, parent }: Relation, { tables }: Catalog): boolean {
  const child = tables.get(table)?.columns.get(column)
  const id = tables.get(parent)?.columns.get('id')
  return child !== undefined && id !== undefined && child.type === id.type
}

function orphaned(
  { table, column, parent }: Relation,
  { count, example }: Awaited<ReturnType<typeof countOrphans>>,
): readonly Finding[] {
  if (count === 0) return []
  const rows = count === 1 ? '1 row' : `${count} rows`
  const message = `${rows} of ${table} with a ${column} that ${parent} does not have, for example ${example}`
  const next = `Nothing of orch removes ${parent}: restore a backup that has them, or remove these rows yourself`
  return [{ kind: 'orphans', subject: `column ${table}.${column}`, message, next, count }]
}

function damaged(message: string): Finding {
  const next = 'Stop every runner, keep the file, and restore a backup: orch db backup --list'
  return { kind: 'damaged', subject: 'file', message, next, count: 1 }
}
