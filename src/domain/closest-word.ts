/** The candidate a mistyped word most likely meant, or null where none is near enough to suggest. */
export function closestWord(word: string, candidates: Iterable<string>): string | null {
  const wanted = word.toLowerCase()
  const furthest = Math.max(1, Math.floor(wanted.length / 3))
  let best: { word: string; distance: number } | null = null
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - wanted.length) > furthest) continue
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance <= furthest && (best === null || distance < best.distance)) best = { word: candidate, distance }
  }
  return best?.word ?? null
}

/** Edits to turn one word into the other; two swapped neighbours are one edit. */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      const swapped =
        left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1] ? (beforeLast[j - 2] ?? Infinity) + 1 : Infinity
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    beforeLast = last
    last = row
  }
  return last[right.length] ?? 0
}
