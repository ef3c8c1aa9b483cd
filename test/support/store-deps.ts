import { migrations } from '../../migrations/index.ts'
import { Capabilities } from '../../src/database/capabilities.ts'
import { systemIds } from '../../src/runtime/ids.ts'
import type { StoreDeps } from '../../src/planning/store-plan.ts'
import type { TestDatabase } from './databases.ts'

/** What storing a plan needs, over a test's database. */
export function storeDepsFor(database: TestDatabase): StoreDeps & { readonly tables: Capabilities } {
  return { database, tables: new Capabilities(database, migrations), ids: systemIds }
}
