import { createHash } from 'node:crypto'

const modulus = 2n ** 256n

/** Number and content of rows in any order: the sum of their SHA-256 values, so that nothing has to be sorted. */
export class RowsDigest {
  #rows = 0
  #sum = 0n

  add(line: string): void {
    this.#rows += 1
    this.#sum = (this.#sum + BigInt(`0x${createHash('sha256').update(line).digest('hex')}`)) % modulus
  }

  get rows(): number {
    return this.#rows
  }

  /** Number and content as one text, to be compared. */
  get text(): string {
    return `${this.#rows} ${this.#sum.toString(16).padStart(64, '0')}`
  }
}
