import type { TableName } from '../database/tables.ts'
import { withoutTable } from '../doctor/missing-table.ts'
import type { Clock } from '../runtime/clock.ts'
import type { SchedulerEvent, TableSource } from './scheduler-types.ts'

/** Without these nothing can be claimed. */
export const requiredTables = ['projects', 'jobs', 'job_dependencies', 'attempts'] as const satisfies TableName[]

/** Without these a run goes on, with less; what is not here is spoken of by the work that meets it. */
const optionalTables = {
  job_events: 'no history is kept',
  job_locks: 'what running jobs hold is read from their plans',
  scheduler_instances: 'jobs of a dead scheduler come back only when their lease runs out',
  reservations: withoutTable.reservations,
  provider_config: withoutTable.provider_config,
  provider_health: withoutTable.provider_health,
  model_registry: withoutTable.model_registry,
  orchestrator_config: withoutTable.orchestrator_config,
  roles: withoutTable.roles,
  tasks: withoutTable.tasks,
} as const satisfies Partial<Record<TableName, string>>

/** How often a missing table is looked for, and how often a complete database is looked at again. */
const lookEveryMs = { missing: 2000, complete: 30_000 }

export interface TablesNow {
  readonly events: boolean
  readonly locks: boolean
  readonly errands: boolean
  readonly instances: boolean
  readonly reservations: boolean
}

/** Knows which tables a scheduler can use, says once what is off, and notices when a table appears. */
export class TableWatch {
  readonly #tables: TableSource
  readonly #clock: Clock
  readonly #notify: (event: SchedulerEvent) => void
  readonly #saidOff = new Set<TableName>()
  #saidMissing = false
  #lookAt = 0
  #now: TablesNow | null = null

  constructor(deps: {
    readonly tables: TableSource
    readonly clock: Clock
    readonly notify: (event: SchedulerEvent) => void
  }) {
    this.#tables = deps.tables
    this.#clock = deps.clock
    this.#notify = deps.notify
  }

  /** Whether the last look found everything that claiming needs. */
  get complete(): boolean {
    return this.#now !== null
  }

  /** Null while a required table is missing. One cheap look every 2 s then, every 30 s otherwise. */
  async look(): Promise<TablesNow | null> {
    if (this.#clock.monotonic() < this.#lookAt) return this.#now
    this.#tables.refresh()
    const optional = [...Object.keys(optionalTables), 'errands'] as TableName[]
    const missing = new Set(await this.#tables.missing([...requiredTables, ...optional]))
    const required = requiredTables.filter((table) => missing.has(table))
    this.#lookAt = this.#clock.monotonic() + (missing.size > 0 ? lookEveryMs.missing : lookEveryMs.complete)
    this.#report(required, missing)
    this.#now = required.length > 0 ? null : toTablesNow(missing)
    return this.#now
  }

  /** The next look asks the database, for example after a statement met a missing table. */
  forget(): void {
    this.#lookAt = 0
  }

  #report(required: readonly TableName[], missing: ReadonlySet<TableName>): void {
    if (required.length > 0) {
      if (!this.#saidMissing) this.#notify({ kind: 'tables_missing', tables: required })
      this.#saidMissing = true
      return
    }
    if (this.#saidMissing) this.#notify({ kind: 'tables_found' })
    this.#saidMissing = false
    for (const [table, consequence] of Object.entries(optionalTables) as [TableName, string][]) {
      if (!missing.has(table)) this.#saidOff.delete(table)
      if (!missing.has(table) || this.#saidOff.has(table)) continue
      this.#saidOff.add(table)
      const message = `There is no table ${table}: ${consequence}`
      this.#notify({ kind: 'warning', message, hint: 'Create it with `orch db migrate`' })
    }
  }
}

function toTablesNow(missing: ReadonlySet<TableName>): TablesNow {
  return {
    events: !missing.has('job_events'),
    locks: !missing.has('job_locks'),
    errands: !missing.has('errands'),
    instances: !missing.has('scheduler_instances'),
    reservations: !missing.has('reservations'),
  }
}
