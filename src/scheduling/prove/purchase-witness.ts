import { readFile } from 'node:fs/promises'
import { systemErrorCode } from '../../errors/orch-error.ts'

/**
 * What was bought, told by the file that every runner writes a line to before its simulated model answers. Independent
 * of the database and of every clock: only the order of lines and looks counts.
 */
export class PurchaseWitness {
  readonly path: string
  /** Purchases of what an earlier look knew as committed. */
  readonly boughtAgain: string[] = []
  readonly #purchases = new Map<string, number>()
  #committed: ReadonlySet<string> = new Set()
  #seen = 0

  constructor(path: string) {
    this.path = path
  }

  purchasesOf(job: string): number {
    return this.#purchases.get(job) ?? 0
  }

  /**
   * Reads what was bought since the last look and judges it by what was committed then. `committed` must have been
   * read before the call: whatever is bought after that reading, and is in it, was bought again.
   */
  async look(committed: readonly string[]): Promise<void> {
    const lines = (await this.#read()).split('\n').slice(0, -1)
    for (const job of lines.slice(this.#seen)) {
      this.#purchases.set(job, this.purchasesOf(job) + 1)
      if (this.#committed.has(job)) this.boughtAgain.push(job)
    }
    this.#seen = lines.length
    this.#committed = new Set(committed)
  }

  async #read(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8')
    } catch (error) {
      // Nothing was bought yet.
      if (systemErrorCode(error) === 'ENOENT') return ''
      throw error
    }
  }
}
