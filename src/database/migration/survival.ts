import { OrchError } from '../../errors/orch-error.ts'

/**
 * A fingerprint of everything that exists, taken inside the transaction of a migration. The guard makes
 * destruction impossible by construction; this proves it from what the engine itself reports.
 */
export interface Inventory {
  /** Rows of each table, where counting them is the engine's proof. */
  readonly rows: ReadonlyMap<string, number>
  /** What this transaction wrote so far, as the engine counts it: by table where it can tell, else under `anywhere`. */
  readonly written: ReadonlyMap<string, WrittenRows>
  readonly objects: ReadonlyMap<string, InventoryObject>
  /** Tables outside orch's schema that this transaction has locked for more than reading. */
  readonly foreign: readonly string[]
}

export interface WrittenRows {
  readonly inserted: number
  /** Updated or deleted. */
  readonly changed: number
}

export interface InventoryObject {
  /** Changes when the engine rewrites the object: file node, definition. */
  readonly storage: string
  /** One text per column with everything that a migration must not change. */
  readonly columns: readonly string[]
}

/** The key of `Inventory.written` on an engine that counts without telling where. */
export const anywhere = '*'

/** How many rows a migration adds to which table; every other row there is must stay as it is. */
export type AddedRows = ReadonlyMap<string, number>

/** Every loss between the two inventories, as sentences; empty when all survived and only what was added is new. */
export function losses(before: Inventory, after: Inventory, added: AddedRows = new Map()): readonly string[] {
  return [
    ...lostObjects(before, after),
    ...wrongCounts(before, after, added),
    ...wrongWrites(before, after, added),
    ...after.foreign.map((name) => `${name}, which is not orch's, was locked for writing`),
  ]
}

function lostObjects(before: Inventory, after: Inventory): readonly string[] {
  const found: string[] = []
  for (const [name, was] of before.objects) {
    const is = after.objects.get(name)
    if (is === undefined) {
      found.push(`${name} is gone`)
      continue
    }
    if (is.storage !== was.storage) found.push(`${name} was rewritten`)
    const lost = was.columns.filter((column) => !is.columns.includes(column))
    if (lost.length > 0) found.push(`${name} lost or changed ${lost.join(', ')}`)
  }
  return found
}

function wrongCounts(before: Inventory, after: Inventory, added: AddedRows): readonly string[] {
  const found: string[] = []
  for (const [table, is] of after.rows) {
    const was = before.rows.get(table) ?? 0
    const more = added.get(table) ?? 0
    if (is === was + more) continue
    const wanted = more === 0 ? '' : `, ${more} of them new`
    found.push(`table ${table} has ${is} rows instead of ${was + more}${wanted}`)
  }
  return found
}

/** Row counts alone would miss an update, and a row deleted for one inserted. */
function wrongWrites(before: Inventory, after: Inventory, added: AddedRows): readonly string[] {
  const all = [...added.values()].reduce((sum, rows) => sum + rows, 0)
  const found: string[] = []
  for (const [table, is] of after.written) {
    const was = before.written.get(table) ?? { inserted: 0, changed: 0 }
    const inserted = is.inserted - was.inserted - (table === anywhere ? all : (added.get(table) ?? 0))
    const changed = is.changed - was.changed
    if (inserted === 0 && changed === 0) continue
    const where = table === anywhere ? '' : ` in ${table}`
    found.push(`rows that existed were written${where}: ${Math.abs(inserted) + Math.abs(changed)}`)
  }
  return found
}

/** Throws ORCH_MIGRATION_REFUSED, which rolls the migration back, unless nothing was lost. */
export function proveSurvival(migration: string, found: readonly string[]): void {
  if (found.length === 0) return
  throw new OrchError('ORCH_MIGRATION_REFUSED', `Migration ${migration} was rolled back: ${found.join('; ')}`, {
    hint: 'Nothing was changed. Migrations may only create',
  })
}
