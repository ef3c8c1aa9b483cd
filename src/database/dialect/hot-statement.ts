/** Statements that a scheduler sends many times a second: built and compiled once per open database. */
import type { CompiledQuery, DialectAdapter, QueryResult } from 'kysely'
import { bulkAdapter, type BulkAdapter } from './bulk-adapter.ts'
import type { Db } from './dialect.ts'
import { StatementSlot } from './statement-slot.ts'

/** Stands where a value goes, typed as that value. */
export type Slot<Name extends string> = <T>(name: Name) => T

/**
 * A statement with named places for its values. Building one through the query builder costs several times
 * what running it does (reference/performance.md), so `build` is called once per open database; it must
 * not look at any value, only put slots where values go.
 */
export function hotStatement<Name extends string, Row>(
  build: (db: Db, slot: Slot<Name>, adapter: BulkAdapter) => CompiledQuery<Row>,
): (db: Db, values: Readonly<Record<Name, unknown>>) => Promise<QueryResult<Row>> {
  // Transactions share the adapter of their database.
  const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>()
  const slot: Slot<Name> = (name) => new StatementSlot(name) as never
  return (db, values) => {
    const adapter = bulkAdapter(db)
    let query = compiled.get(adapter)
    if (query === undefined) compiled.set(adapter, (query = build(db, slot, adapter)))
    const parameters = query.parameters.map((value) => (value instanceof StatementSlot ? value.fill(values) : value))
    return db.executeQuery({ ...query, parameters })
  }
}
