import { createHash } from 'node:crypto'
import { canonicalJson } from '../domain/canonical-json.ts'

/** The same call with the same result so often is a loop (reliability-security.md section 3). */
const mostRepetitions = 3

/** Counts identical (tool, input, output) triples. A change of the workspace starts the count of reading calls again. */
export class RepetitionGuard {
  readonly #counts = new Map<string, { readonly changes: boolean; times: number }>()

  /** Notes a call; true when it happened too often. */
  note(call: {
    readonly name: string
    readonly input: unknown
    readonly output: string
    readonly changes: boolean
  }): boolean {
    if (call.changes) this.#forgetReads()
    const key = createHash('sha256')
      .update(canonicalJson([call.name, call.input, call.output]))
      .digest('hex')
    const seen = this.#counts.get(key) ?? { changes: call.changes, times: 0 }
    seen.times += 1
    this.#counts.set(key, seen)
    return seen.times >= mostRepetitions
  }

  /** After an edit the same test run with the same failure is an honest question. */
  #forgetReads(): void {
    for (const [key, { changes }] of this.#counts) if (!changes) this.#counts.delete(key)
  }
}
