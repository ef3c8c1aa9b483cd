import { createHash, type Hash } from 'node:crypto'
import { canonicalJson } from '../../src/domain/canonical-json.ts'

const kept = 60

/** Everything that happened, in order; its hash stands for the whole run. */
export class Trace {
  readonly #hash: Hash = createHash('sha256')
  readonly #last: string[] = []
  length = 0

  /** @param atMs simulated, monotonic. */
  add(atMs: number, what: string, detail: unknown): void {
    const line = canonicalJson([atMs, what, detail])
    this.#hash.update(line).update('\n')
    this.length += 1
    this.#last.push(line)
    if (this.#last.length > kept) this.#last.shift()
  }

  /** The latest entries, for people. */
  get tail(): string {
    return this.#last.join('\n')
  }

  /** SHA-256 over the canonical JSON of every entry; ends the trace. */
  digest(): string {
    return this.#hash.digest('hex')
  }
}
