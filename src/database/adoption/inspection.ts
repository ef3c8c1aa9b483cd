/** The look at the schema that comes before everything: what is there, whose it is, and what this role may do. */
import { OrchError } from '../../errors/orch-error.ts'
import type { Database } from '../connection.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { ledgerMigration } from '../migration/ledger.ts'
import { classifyTables, type TableFinding } from './classify-table.ts'
import { findForeignLedgers, type ForeignLedger } from './foreign-ledger.ts'
import { findPayloadTables, type PayloadTable, type UnfitPayloadTable } from './payload-table.ts'
import { findTablesNamed, readRoleRights, readSourceCatalog, type RoleRights } from './source-catalog.ts'
import { sourceTables, type SourceName } from './source-table.ts'
import type { VendorKnowledge } from './vendor-knowledge.ts'

export interface Inspection {
  readonly sourceSchema: string
  readonly ownSchema: string
  /** The tables of the earlier application, those left out by `skip` excepted. */
  readonly tables: readonly TableFinding[]
  readonly payloadTables: readonly PayloadTable[]
  readonly unfitPayloadTables: readonly UnfitPayloadTable[]
  readonly ledgers: readonly ForeignLedger[]
  readonly rights: RoleRights
  /** Rights to read and to insert that this role lacks, one each, as a person would grant them. */
  readonly missingRights: readonly string[]
}

export interface InspectionWish {
  readonly fromSchema: string
  /** Tables to leave alone. */
  readonly skip: ReadonlySet<SourceName>
  readonly knowledge: Pick<VendorKnowledge, 'kindOf'>
}

/**
 * Looks only at the catalog. Throws ORCH_CONFLICT where there are no schemas, or the schema is orch's own or
 * another orch's, and ORCH_NOT_FOUND where there is no such schema, or nothing in it that orch could adopt.
 */
export async function inspectSchema(
  db: Db | Trx,
  { dialect, address }: Pick<Database, 'dialect' | 'address'>,
  { fromSchema, skip, knowledge }: InspectionWish,
): Promise<Inspection> {
  const ownSchema = dialect.schema
  if (ownSchema === null) throw noSchemas(address)
  if (fromSchema === ownSchema) throw itsOwn(fromSchema)
  const found = await readSourceCatalog(db, fromSchema)
  if (found === null) throw await notHere(db, `There is no schema ${fromSchema} in ${address}`, ownSchema)
  if (found.some(({ name }) => name === ledgerMigration.table)) throw anotherOrchs(fromSchema)
  const payloads = findPayloadTables(found, (folded) => knowledge.kindOf(folded) !== null)
  const classified = classifyTables(found)
  if (classified.every(({ standing }) => standing === 'absent') && payloads.fit.length === 0) {
    throw await notHere(db, `The schema ${fromSchema} holds none of the tables that orch could adopt`, ownSchema)
  }
  const tables = classified.filter(({ source }) => !skip.has(source))
  const payloadTables = skip.has('models') ? [] : payloads.fit
  const rights = await readRoleRights(db, ownSchema, fromSchema)
  return {
    sourceSchema: fromSchema,
    ownSchema,
    tables,
    payloadTables,
    unfitPayloadTables: payloads.unfit,
    ledgers: await findForeignLedgers(db),
    rights,
    missingRights: missingRights({ fromSchema, ownSchema, rights, tables, payloads: payloadTables }),
  }
}

/** Tables that cannot be read as what they are called. */
export function conflictsIn({ tables }: Pick<Inspection, 'tables'>): readonly TableFinding[] {
  return tables.filter(({ standing }) => standing === 'conflict')
}

interface RightsInput {
  readonly fromSchema: string
  readonly ownSchema: string
  readonly rights: RoleRights
  readonly tables: readonly TableFinding[]
  readonly payloads: readonly PayloadTable[]
}

function missingRights({ fromSchema, ownSchema, rights, tables, payloads }: RightsInput): readonly string[] {
  return [
    ...rights.closedTables.map((name) => `SELECT and INSERT on ${ownSchema}.${name}`),
    ...tables.flatMap(({ foundAs, unreadable }) =>
      unreadable.length === 0 ? [] : [`SELECT (${unreadable.join(', ')}) on ${fromSchema}.${foundAs}`],
    ),
    ...payloads.filter(({ readable }) => !readable).map(({ name }) => `SELECT on ${fromSchema}.${name}`),
  ]
}

/** The right to create tables in orch's schema, as a person would grant it, where this role lacks it. */
export function missingCreateRight({ rights, ownSchema }: Inspection): readonly string[] {
  if (rights.mayCreate) return []
  return [rights.ownSchemaExists ? `USAGE and CREATE on schema ${ownSchema}` : `CREATE on database ${rights.database}`]
}

function noSchemas(address: string): OrchError {
  return new OrchError('ORCH_CONFLICT', `${address} is a file and has no schemas: there is nothing to adopt from`, {
    hint: 'Name the server that holds the other application: --db postgres://user@host/database',
  })
}

function itsOwn(schema: string): OrchError {
  return new OrchError('ORCH_CONFLICT', `${schema} is where orch keeps its own tables: it cannot adopt from itself`, {
    hint: 'Name the schema of the other application, or give orch one of its own with ORCH_DB_SCHEMA',
  })
}

function anotherOrchs(schema: string): OrchError {
  return new OrchError('ORCH_CONFLICT', `${schema} holds the tables of an orch already: there is nothing to adopt`, {
    hint: `Use them as they are: ORCH_DB_SCHEMA=${schema} orch db status`,
  })
}

/** Says where such tables are, if anywhere. */
async function notHere(db: Db | Trx, message: string, ownSchema: string): Promise<OrchError> {
  const names = Object.values(sourceTables).map(({ name }) => name)
  const elsewhere = (await findTablesNamed(db, names)).map(({ schema }) => schema).filter((one) => one !== ownSchema)
  const schemas = [...new Set(elsewhere)]
  return new OrchError('ORCH_NOT_FOUND', message, {
    hint:
      schemas.length === 0
        ? 'No schema of this database holds any; `orch db migrate` makes tables of orch’s own'
        : `Some are in ${schemas.join(', ')}: orch db adopt --from-schema ${schemas[0]} --dry-run`,
  })
}
