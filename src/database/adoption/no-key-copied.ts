/** Proof, by the server itself, that no row of an import holds a key that the other application keeps. */
import { sql } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import type { Trx } from '../dialect/dialect.ts'
import type { TableImport } from './import-tally.ts'
import type { Inspection } from './inspection.ts'

/** Shorter ones are words such as `lm-studio`, which people write where a server wants any key at all. */
const shortestKey = 16

/**
 * Searches the rows that this transaction inserted for every stored key, on the server, so that no key leaves it.
 * Throws ORCH_MIGRATION_REFUSED, which rolls the import back, naming the table. Where this role may not read the
 * keys there is nothing it could have copied on purpose, and nothing to search with.
 */
export async function proveNoKeyCopied(
  trx: Trx,
  { tables, sourceSchema, ownSchema }: Inspection,
  imports: readonly TableImport[],
): Promise<void> {
  const providers = tables.find(({ source }) => source === 'providers')
  const key = providers?.columns.get('apiKey')
  if (providers === undefined || providers.foundAs === null || key?.readable !== true) return
  const secrets = sql`select ${sql.id(key.name)}::text as secret from ${sql.id(sourceSchema, providers.foundAs)}
    where length(${sql.id(key.name)}::text) >= ${sql.lit(shortestKey)}`
  const written = new Set(imports.filter(({ imported }) => imported > 0).map(({ into }) => into))
  for (const table of written) {
    // From this transaction's number on: after a savepoint its rows bear a later one than its own.
    const { rows } = await sql`
      select 1 from ${sql.id(ownSchema, table)} t, (${secrets}) keys
      where age(t.xmin) <= 0 and position(keys.secret in t::text) > 0 limit 1`.execute(trx)
    if (rows.length === 0) continue
    throw new OrchError(
      'ORCH_MIGRATION_REFUSED',
      `The import was rolled back: a row for ${table} would hold a stored key`,
      {
        hint: 'Nothing was imported. Somebody wrote a key of "ProviderConfig" into another column: take it out there, or --skip that table',
      },
    )
  }
}
