import type { StoredRow } from './transfer-engine.ts'

const firstRows = 100
const mostRows = 1000
/** What a page may hold, so that rows of a megabyte each do not fill the memory. */
const pageCharacters = 2_000_000

/** How many rows to ask for next: judged by what the last page held. */
export class PageSize {
  rows = firstRows

  /** Takes note of a page. */
  saw(page: readonly StoredRow[]): void {
    if (page.length === 0) return
    let characters = 0
    for (const row of page) for (const cell of row) characters += cell?.length ?? 0
    const fitting = Math.floor(pageCharacters / (characters / page.length + 1))
    // A few small rows may be followed by large ones: never many times as many at once.
    this.rows = Math.max(1, Math.min(mostRows, fitting, this.rows * 5))
  }
}
