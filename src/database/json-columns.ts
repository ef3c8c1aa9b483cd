import type { TableName, Tables } from './tables.ts'

type ColumnsOf<Table extends TableName> = readonly (keyof Tables[Table] & string)[]

/** The columns of type `Json` in `tables.ts`, for what reads a database without knowing its rows. */
const jsonColumns: { readonly [Table in TableName]?: ColumnsOf<Table> } = {
  orchestrator_config: ['value'],
  model_registry: ['provider_data', 'ai_data', 'specs'],
  projects: ['commands'],
  roles: ['needs', 'tools', 'denied_commands'],
  jobs: ['spec', 'result', 'error'],
  attempts: ['error', 'evidence'],
  errands: ['request', 'output'],
  job_events: ['data'],
}

/** Whether orch keeps JSON in the column. */
export function isJsonColumn(table: string, column: string): boolean {
  const columns: readonly string[] = Object.hasOwn(jsonColumns, table) ? (jsonColumns[table as TableName] ?? []) : []
  return columns.includes(column)
}
