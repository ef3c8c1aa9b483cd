/** Schemas that orch made for itself beside the real one; only on engines that have schemas. */
import { sql } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import type { Db } from '../dialect/dialect.ts'

/** What every scratch name looks like. Nothing else is ever dropped. */
const scratchName = /^orch_(bench|prove|rehearsal|restore)_[a-z0-9_]{12,48}$/

/** Names of the schemas that begin with `prefix` and belong to this user. */
export async function listScratchSchemas(db: Db, prefix: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select schema_name as name from information_schema.schemata order by schema_name`.execute(db)
  return rows.map(({ name }) => name).filter((name) => name.startsWith(prefix) && scratchName.test(name))
}

/**
 * Removes a scratch schema with everything in it. This is the only statement of orch that drops anything, and it
 * refuses every name that is not a scratch name. Throws ORCH_BUG for such a name.
 */
export async function dropScratchSchema(db: Db, name: string): Promise<void> {
  if (!scratchName.test(name)) throw new OrchError('ORCH_BUG', `${JSON.stringify(name)} is no scratch schema`)
  await sql`drop schema if exists ${sql.id(name)} cascade`.execute(db)
}
