import type { TableName } from '../../src/database/tables.ts'
import type { JobsDeps } from '../../src/scheduling/jobs-deps.ts'
import type { FaultyDatabase } from './faulty-database.ts'

/**
 * Which tables exist, known from what the simulation took away: looking into the catalog is a tenth of a second's
 * work that thousands of simulated schedulers would repeat. A look fails like any statement of its view.
 */
export function simulatedTables(away: ReadonlySet<string>, view: FaultyDatabase): JobsDeps['tables'] {
  const missing = async (tables: readonly TableName[]) => {
    view.passStatement()
    return tables.filter((table) => away.has(table))
  }
  return {
    missing,
    has: async (table) => (await missing([table])).length === 0,
    require: async () => {},
    requireToRead: async () => {},
    newer: async () => [],
    refresh: () => {},
  }
}
