/** Portable JSON columns: text on both engines, parsed only where a column is declared to hold JSON. */
export function toJson(value: unknown): string {
  // Postgres text refuses NUL; a model's reply may contain it.
  // An even number of backslashes before it: an odd one makes it the text "\\u0000" instead.
  return JSON.stringify(value).replaceAll(/(?<!\\)((?:\\\\)*)\\u0000/g, '$1\\ufffd')
}

/** Reads a column that orch wrote with `toJson`; null stays null. */
export function fromJson<T>(text: string): T
export function fromJson<T>(text: string | null): T | null
export function fromJson<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T)
}
