/** What a call could not do because tables are missing, said once: with its result, or with its failure. */
import type { TableName } from '../database/tables.ts'
import { withoutTable } from '../doctor/missing-table.ts'
import { anyTable, ownTables, type TableUse } from '../doctor/table-use.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { Io } from './io.ts'

const remedy = 'Create what is missing with `orch db migrate`'

/** Remembers which of a command's own tables were asked for in vain, and which of them the command itself spoke of. */
export class MissedTables {
  readonly #own: ReadonlySet<TableName>
  readonly #missed = new Set<TableName>()
  #said = ''

  /** What is about the tables themselves speaks for itself. */
  constructor(use: TableUse) {
    this.#own = new Set(use === anyTable ? [] : ownTables(use))
  }

  /** For `Capabilities`. */
  note(tables: readonly TableName[]): void {
    for (const table of tables) if (this.#own.has(table)) this.#missed.add(table)
  }

  /** The same mouth; before a result it warns of each missing table that the command has not spoken of. */
  speakingFor(io: Io): Io {
    const warn: Io['warn'] = (message, hint) => {
      this.#said += `${message} ${hint ?? ''} `
      io.warn(message, hint)
    }
    const result: Io['result'] = (kind, data, text) => {
      for (const table of this.#unsaid()) warn(`There is no table ${table}: ${withoutTable[table]}`, remedy)
      io.result(kind, data, text)
    }
    return { ...io, warn, result }
  }

  /** The failure, with what is missing in its hint unless it says so already. */
  explain(error: unknown): unknown {
    if (!(error instanceof OrchError)) return error
    this.#said += `${error.message} ${error.hint ?? ''}`
    const missing = this.#unsaid()
    if (missing.length === 0) return error
    const noun = missing.length === 1 ? 'is no table' : 'are no tables'
    const reason = `There ${noun} ${missing.join(', ')}: create what is missing with \`orch db migrate\``
    const hint = error.hint === undefined ? reason : `${error.hint}. ${reason}`
    return new OrchError(error.code, error.message, { hint, cause: error })
  }

  #unsaid(): readonly TableName[] {
    return [...this.#missed].filter((table) => !new RegExp(`\\b${table}\\b`).test(this.#said))
  }
}
