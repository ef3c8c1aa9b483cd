/**
 * The tables of the earlier web application, as far as orch reads them: names, columns, and what each feeds.
 * Anything else in them is the application's own business.
 */
import type { TableName } from '../tables.ts'

/** What a column may hold; each stands for every type of the server that can be read as it. */
export type ColumnFamily = 'text' | 'integer' | 'number' | 'boolean' | 'json' | 'time'

export interface SourceColumn {
  readonly name: string
  readonly family: ColumnFamily
  /**
   * `identity` names a row: without it, or where it may be null, nothing can be imported twice safely.
   * `required` must be there. Without an `optional` one the import goes on, and says what it lacks. `secret`
   * is optional and holds a key: whether there is one is asked, and the key is never read. `unused` belongs to
   * the shape and says nothing to orch: it is compared and never read.
   */
  readonly need: 'identity' | 'required' | 'optional' | 'secret' | 'unused'
}

/** Whether its values are read. */
export function isRead({ need }: SourceColumn): boolean {
  return need !== 'secret' && need !== 'unused'
}

export interface SourceTable {
  readonly name: string
  /** The table of orch that its rows are translated to. */
  readonly feeds: TableName
  readonly columns: readonly SourceColumn[]
}

type Compact = readonly [name: string, family: ColumnFamily, need?: SourceColumn['need']]

function table(name: string, feeds: TableName, columns: readonly Compact[]): SourceTable {
  return {
    name,
    feeds,
    columns: columns.map(([column, family, need = 'optional']) => ({ name: column, family, need })),
  }
}

const providerConfig = table('ProviderConfig', 'provider_config', [
  ['id', 'text', 'identity'],
  ['label', 'text'],
  ['type', 'text', 'required'],
  ['apiKey', 'text', 'secret'],
  ['baseURL', 'text'],
  ['isEnabled', 'boolean'],
  ['requestsPerMinute', 'number'],
  ['createdAt', 'time'],
  ['updatedAt', 'time'],
])

const orchestratorConfig = table('OrchestratorConfig', 'orchestrator_config', [
  ['id', 'text', 'identity'],
  ['activeTableName', 'text'],
  ['strategies', 'json'],
  ['createdAt', 'time'],
  ['updatedAt', 'time'],
])

const modelRegistry = table('model_registry', 'model_registry', [
  ['id', 'text'],
  ['model_id', 'text', 'identity'],
  ['provider_id', 'text', 'identity'],
  ['model_name', 'text', 'unused'],
  ['is_free', 'boolean', 'unused'],
  ['cost_per_1k', 'number', 'unused'],
  ['provider_data', 'json'],
  ['ai_data', 'json'],
  ['specs', 'json'],
  ['updated_at', 'time'],
])

const modelUsage = table('ModelUsage', 'model_usage', [
  ['id', 'text', 'identity'],
  ['userId', 'text', 'unused'],
  ['modelConfigId', 'text'],
  ['roleId', 'text'],
  ['promptTokens', 'integer'],
  ['completionTokens', 'integer'],
  ['cost', 'number'],
  ['metadata', 'json'],
  ['createdAt', 'time', 'required'],
])

const projects = table('projects', 'projects', [
  ['id', 'text', 'identity'],
  ['name', 'text', 'required'],
  ['description', 'text'],
  ['status', 'text'],
  ['createdAt', 'time'],
  ['updatedAt', 'time'],
])

/** In the order in which they are imported: what is referred to comes before what refers to it. */
export const sourceTables = {
  providers: providerConfig,
  settings: orchestratorConfig,
  models: modelRegistry,
  projects,
  usage: modelUsage,
} as const satisfies Record<string, SourceTable>

export type SourceName = keyof typeof sourceTables

/** The expected table behind a name as somebody types it, in any case; undefined for a name orch does not know. */
export function sourceNamed(name: string): SourceName | undefined {
  const names = Object.keys(sourceTables) as SourceName[]
  return names.find((source) => foldedName(sourceTables[source].name) === foldedName(name))
}

/** `"ProviderConfig"`, `provider_config` and `providerconfig` fold to the same text. */
export function foldedName(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}
