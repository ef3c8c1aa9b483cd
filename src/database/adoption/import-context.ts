import type { Trx } from '../dialect/dialect.ts'
import type { TableName } from '../tables.ts'
import type { Inspection } from './inspection.ts'
import type { KeyRequest } from './translate-provider.ts'
import type { TableFinding } from './classify-table.ts'
import type { ImportTally } from './import-tally.ts'
import type { ProviderLookup } from './provider-lookup.ts'
import type { SourceName } from './source-table.ts'
import type { VendorKnowledge } from './vendor-knowledge.ts'

/** What every step of an import works with. */
export interface ImportContext {
  readonly trx: Trx
  readonly inspection: Inspection
  readonly knowledge: VendorKnowledge
  readonly providers: ProviderLookup
  /** Providers whose key must be named. */
  readonly keys: KeyRequest[]
  /** Models by the id that usage refers to them by. */
  readonly modelsById: Map<string, { readonly providerId: string; readonly modelId: string }>
  /** False in a dry run: everything is read and translated, and nothing written. */
  readonly writes: boolean
  /** Whether orch's table exists; in a dry run it may not yet. */
  readonly has: (table: TableName) => boolean
  /** Absolute path of the workspace that imported projects get. */
  readonly workspace: string
  readonly nowMs: number
  /** Told after each batch. */
  readonly onRows: (tally: ImportTally) => void
}

/** What is read from a table, or null where it is absent or left out. */
export function findingOf({ inspection }: ImportContext, source: SourceName): TableFinding | null {
  const finding = inspection.tables.find((one) => one.source === source)
  return finding === undefined || finding.foundAs === null ? null : finding
}
