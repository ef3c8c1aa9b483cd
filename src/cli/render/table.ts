import { plainLine } from './plain.ts'

/** A cell's text is made plain; `paint` colours it afterwards, for example `chalk.red`. */
export type Cell = string | number | null | { readonly text: string; readonly paint: (text: string) => string }

export interface TableOptions {
  /** Columns of the terminal: the widest columns are cut with an ellipsis until the table fits. Default: no limit. */
  readonly width?: number
  readonly paintHead?: (text: string) => string
}

const gap = 2
const narrowestColumn = 6

/** Columns without borders, two spaces apart, aligned also for wide characters. Null cells show as `-`. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], options: TableOptions = {}): string {
  const widths = fit(columnWidths([head, ...rows]), options.width)
  const paintHead = options.paintHead ?? String
  const headCells = head.map((text) => ({ text, paint: paintHead }))
  return [headCells, ...rows].map((row) => line(row, widths)).join('\n')
}

/** Padding stays outside the paint, so that colours do not count and no line ends in spaces. */
function line(row: readonly Cell[], widths: readonly number[]): string {
  let text = ''
  let owed = 0
  row.forEach((cell, column) => {
    const shown = truncate(cellText(cell), widths[column])
    if (shown !== '') text += ' '.repeat(owed) + paint(cell, shown)
    owed = (shown === '' ? owed : 0) + (widths[column] ?? 0) - displayWidth(shown) + gap
  })
  return text
}

function cellText(cell: Cell): string {
  if (cell === null) return '-'
  if (typeof cell === 'object') return plainLine(cell.text)
  return plainLine(String(cell))
}

function paint(cell: Cell, text: string): string {
  return typeof cell === 'object' && cell !== null ? cell.paint(text) : text
}

function columnWidths(rows: readonly (readonly Cell[])[]): number[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 1, displayWidth(cellText(cell)))))
  }
  return widths
}

/** Takes from the widest column until the row fits or every column is at its narrowest. */
function fit(widths: readonly number[], limit: number | undefined): number[] {
  const fitted = [...widths]
  if (limit === undefined) return fitted
  let excess = fitted.reduce((sum, width) => sum + width + gap, -gap) - limit
  while (excess > 0) {
    const widest = Math.max(...fitted)
    if (widest <= narrowestColumn) break
    fitted[fitted.indexOf(widest)] = widest - 1
    excess -= 1
  }
  return fitted
}

function truncate(text: string, width: number | undefined): string {
  if (width === undefined || displayWidth(text) <= width) return text
  let kept = ''
  for (const { segment } of graphemesOf(text)) {
    if (displayWidth(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

let segmenter: Intl.Segmenter | undefined

/** Made on first use: it loads tables that cost more than the rest of a listing, and most text is plain ASCII. */
function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

const invisible = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
/** East Asian wide and full-width ranges (Unicode UAX 11) and emoji shown as pictures. */
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u

/** Columns a terminal uses for the text. */
export function displayWidth(text: string): number {
  // Most cells are plain ASCII, and taking text apart into graphemes is slow.
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemesOf(text)) width += invisible.test(segment) ? 0 : wide.test(segment) ? 2 : 1
  return width
}
