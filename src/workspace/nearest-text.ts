/** The place in a text that looks most like what was sought. */
export interface NearestText {
  /** 1 for the first line. */
  readonly line: number
  readonly text: string
  /** 0 to 1. */
  readonly likeness: number
}

const mostComparisons = 400_000
const leastLikeness = 0.4

/**
 * The lines most like `sought`, of the same number; null when nothing is alike. Lines are compared by their words, so
 * that wrong indentation or one changed name still points at the right place.
 */
export function nearestText(text: string, sought: string): NearestText | null {
  const lines = text.split('\n')
  const wanted = sought.replace(/^\n+|\n+$/g, '').split('\n')
  const height = Math.min(wanted.length, lines.length)
  if (height * lines.length > mostComparisons) return null
  const words = lines.map(wordsOf)
  const wantedWords = wanted.map(wordsOf)
  let best: { line: number; likeness: number } | null = null
  for (let first = 0; first + height <= lines.length; first += 1) {
    let sum = 0
    for (let row = 0; row < height; row += 1) {
      sum += likeness(words[first + row] ?? emptyWords, wantedWords[row] ?? emptyWords)
    }
    const average = sum / wanted.length
    if (average > (best?.likeness ?? 0)) best = { line: first + 1, likeness: average }
  }
  if (best === null || best.likeness < leastLikeness) return null
  return { ...best, text: lines.slice(best.line - 1, best.line - 1 + height).join('\n') }
}

const emptyWords: ReadonlySet<string> = new Set()

function wordsOf(line: string): ReadonlySet<string> {
  return new Set(line.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]/gu) ?? [])
}

/** Shared words over all words; two blank lines are alike but prove nothing. */
function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size === 0 && other.size === 0) return 0.5
  let shared = 0
  for (const word of one) if (other.has(word)) shared += 1
  return shared / (one.size + other.size - shared)
}
