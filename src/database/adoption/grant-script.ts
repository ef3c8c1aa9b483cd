/**
 * The rights a role needs to adopt a schema and to run orch beside it, and no more. With them the server itself
 * refuses every write outside orch's schema, and the column that holds keys cannot even be read.
 */
import type { Inspection } from './inspection.ts'
import { isRead, sourceTables, type SourceTable } from './source-table.ts'

const newRole = 'orch'

/**
 * SQL for the owner of the tables to run; safe to run again. Without a role it is for the one that asked, or for a
 * new one where that is the owner itself.
 */
export function grantScript(inspection: Inspection, role?: string): string {
  const { rights, sourceSchema, ownSchema } = inspection
  const grantee = role ?? (rights.ownsSource ? newRole : rights.role)
  const to = quoted(grantee)
  const own = quoted(ownSchema)
  const lines = [
    `-- Run by the owner of the tables. ${to} may then read what is adopted, and write in ${own} only.`.replaceAll(
      /\s+/g,
      ' ',
    ),
    ...(grantee === rights.role ? [] : [newRoleLine(to)]),
    `GRANT CONNECT ON DATABASE ${quoted(rights.database)} TO ${to};`,
    `CREATE SCHEMA IF NOT EXISTS ${own};`,
    `GRANT USAGE, CREATE ON SCHEMA ${own} TO ${to};`,
    ...(rights.ownSchemaExists
      ? [`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${own} TO ${to};`]
      : []),
    `GRANT USAGE ON SCHEMA ${quoted(sourceSchema)} TO ${to};`,
    ...readGrants(inspection).map(
      ({ table, columns }) =>
        `GRANT SELECT (${columns.map(quoted).join(', ')}) ON ${quoted(sourceSchema)}.${quoted(table)} TO ${to};`,
    ),
  ]
  return lines.join('\n')
}

/** A comment: whether it exists, and how it signs in, is the owner's to know. */
function newRoleLine(role: string): string {
  return `-- CREATE ROLE ${role} LOGIN;  -- unless it exists; with a password or another way to sign in`.replaceAll(
    '\n',
    ' ',
  )
}

interface ReadGrant {
  readonly table: string
  readonly columns: readonly string[]
}

/** The columns that are read, table by table: never one that holds a key. */
function readGrants({ tables, payloadTables }: Inspection): readonly ReadGrant[] {
  const expected = tables.flatMap(({ source, foundAs, columns }) => {
    const shape: SourceTable = sourceTables[source]
    const names = shape.columns.filter(isRead).flatMap(({ name }) => columns.get(name)?.name ?? [])
    return foundAs === null || names.length === 0 ? [] : [{ table: foundAs, columns: names }]
  })
  const payloadGrants = payloadTables.map(({ name, model, payload }) => ({ table: name, columns: [model, payload] }))
  return [...expected, ...payloadGrants]
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
