/** Proof, from the server's own statistics, that an import did nothing but insert into orch's tables. */
import { sql } from 'kysely'
import { OrchError } from '../../errors/orch-error.ts'
import type { Trx } from '../dialect/dialect.ts'

interface Writes {
  readonly schema: string
  readonly name: string
  readonly inserted: number
  readonly changed: number
}

/** What this transaction wrote so far. Two of these are compared: the first may hold what came before it. */
export async function countWrites(trx: Trx): Promise<readonly Writes[]> {
  const { rows } = await sql<Writes>`
    select schemaname as schema, relname as name, n_tup_ins as inserted, n_tup_upd + n_tup_del as changed
    from pg_catalog.pg_stat_xact_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0`.execute(trx)
  return rows
}

/** Throws ORCH_MIGRATION_REFUSED, which rolls the import back, when anything else was written than rows of orch. */
export function proveInsertsOnly(before: readonly Writes[], after: readonly Writes[], ownSchema: string): void {
  const wrong = after.filter(({ schema, name, inserted, changed }) => {
    const was = before.find((one) => one.schema === schema && one.name === name)
    return changed !== (was?.changed ?? 0) || (schema !== ownSchema && inserted !== (was?.inserted ?? 0))
  })
  if (wrong.length === 0) return
  const names = wrong.map(({ schema, name }) => `${schema}.${name}`).join(', ')
  throw new OrchError('ORCH_MIGRATION_REFUSED', `The import was rolled back: it would have changed ${names}`, {
    hint: 'Nothing was imported. Look for a trigger on the tables of orch: adopting only inserts, and only there',
  })
}
