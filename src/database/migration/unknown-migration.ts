import type { MigrationLedgerRow } from '../tables.ts'
import type { Migration } from './migration.ts'

/** Says whether a ledger row that this orch does not know is from a newer orch or from another line of it. */
export function unknownNote(
  { name, tool_version }: Pick<MigrationLedgerRow, 'name' | 'tool_version'>,
  migrations: readonly Migration[],
): { readonly isNewer: boolean; readonly note: string } {
  const last = migrations.at(-1)?.name ?? ''
  // Names begin with a number of four digits, so that their order as text is the order of the migrations.
  if (name > last) return { isNewer: true, note: `not known to this orch: the database is newer (${tool_version})` }
  return { isNewer: false, note: 'in the ledger and not in this orch, which has later ones: it was removed or renamed' }
}
