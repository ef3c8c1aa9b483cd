/**
 * A value whose texts every engine stores and gives back unchanged: NUL, which Postgres refuses, and halves
 * of surrogate pairs, which UTF-8 cannot hold, become U+FFFD. A plan is cleaned before it is hashed, so that
 * the hash is that of what is stored.
 */
export function cleanText<T>(value: T): T {
  return clean(value) as T
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/\0|[\ud800-\udfff]/gu, '\ufffd')
  if (Array.isArray(value)) return value.map(clean)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [clean(key), clean(member)]))
}
