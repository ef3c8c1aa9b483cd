/** Portable JSON columns: text on both engines, parsed only where a column is declared to hold JSON. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value)
  // Postgres text refuses NUL, and its JSON half a surrogate pair; a model's reply may contain both.
  // An even number of backslashes before it: an odd one makes it the text "\\u0000" instead.
  if (!text.includes('\\u')) return text
  return text.replaceAll(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '$1\\ufffd')
}

/** Reads a column that orch wrote with `toJson`; null stays null. */
export function fromJson<T>(text: string): T
export function fromJson<T>(text: string | null): T | null
export function fromJson<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T)
}
