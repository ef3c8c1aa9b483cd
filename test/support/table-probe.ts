import { OrchError } from '../../src/errors/orch-error.ts'
import type { TableProbe } from '../../src/models/model-store.ts'

/** Says that the named tables are missing and every other one exists. */
export function missingTables(...missing: readonly string[]): TableProbe {
  return {
    has: async (table) => !missing.includes(table),
    require: async (tables, neededFor) => {
      const lacking = tables.filter((table) => missing.includes(table))
      if (lacking.length > 0) throw new OrchError('ORCH_TABLE_MISSING', `${neededFor} needs ${lacking.join(', ')}`)
    },
  }
}

/** Says that every table exists. */
export const presentTables = missingTables()
