import { createHash } from 'node:crypto'
import type { Cell } from './cell.ts'

const modulus = 2n ** 256n

/**
 * What a table holds, in 64 hexadecimal digits: the sum of the SHA-256 of its rows, modulo 2^256. A sum, because
 * engines sort differently and need not sort at all; rows that are equal count each time.
 */
export class ContentHash {
  #sum = 0n
  #rows = 0

  /** How many rows were added. */
  get rows(): number {
    return this.#rows
  }

  add(row: readonly Cell[]): void {
    // With their lengths, so that no two rows are the same text.
    let text = ''
    for (const cell of row) text += cell === null ? '-,' : `${cell.length}:${cell},`
    this.#sum = (this.#sum + BigInt(`0x${createHash('sha256').update(text).digest('hex')}`)) % modulus
    this.#rows += 1
  }

  /** The same for the same rows in any order. */
  digest(): string {
    return this.#sum.toString(16).padStart(64, '0')
  }
}
