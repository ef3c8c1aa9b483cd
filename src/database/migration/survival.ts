import { OrchError } from '../../errors/orch-error.ts'

/**
 * A fingerprint of everything that exists, taken inside the transaction of a migration. The guard makes
 * destruction impossible by construction; this proves it from what the engine itself reports.
 */
export interface Inventory {
  /** Rows that this transaction inserted, updated or deleted so far, as the engine counts them. */
  readonly changedRows: number
  readonly objects: ReadonlyMap<string, InventoryObject>
}

export interface InventoryObject {
  /** Number of rows, or null where counting is not the engine's proof. */
  readonly rows: number | null
  /** Changes when the engine rewrites the object: file node, definition. */
  readonly storage: string
  /** One text per column with everything that a migration must not change. */
  readonly columns: readonly string[]
}

/** Every loss between the two inventories, as sentences; empty when all survived. */
export function losses(before: Inventory, after: Inventory): readonly string[] {
  const found: string[] = []
  if (after.changedRows !== before.changedRows) {
    found.push(`rows that existed were written: ${after.changedRows - before.changedRows}`)
  }
  for (const [name, was] of before.objects) {
    const is = after.objects.get(name)
    if (is === undefined) {
      found.push(`${name} is gone`)
      continue
    }
    if (is.rows !== was.rows) found.push(`${name} had ${was.rows} rows and has ${is.rows}`)
    if (is.storage !== was.storage) found.push(`${name} was rewritten`)
    const lost = was.columns.filter((column) => !is.columns.includes(column))
    if (lost.length > 0) found.push(`${name} lost or changed ${lost.join(', ')}`)
  }
  return found
}

/** Throws ORCH_MIGRATION_REFUSED, which rolls the migration back, unless everything survived. */
export function proveSurvival(migration: string, before: Inventory, after: Inventory): void {
  const found = losses(before, after)
  if (found.length === 0) return
  throw new OrchError('ORCH_MIGRATION_REFUSED', `Migration ${migration} was rolled back: ${found.join('; ')}`, {
    hint: 'Nothing was changed. Migrations may only create',
  })
}
