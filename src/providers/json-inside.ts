/** The one JSON object inside a text that wraps it in prose or a code fence, or null. Never repairs broken JSON. */
export function jsonInside(text: string): string | null {
  const start = text.indexOf('{')
  const end = text.lastIndexOf('}')
  if (start === -1 || end <= start) return null
  const candidate = text.slice(start, end + 1)
  try {
    JSON.parse(candidate)
    return candidate
  } catch {
    return null
  }
}
