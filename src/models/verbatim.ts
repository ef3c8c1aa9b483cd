/** Reading a provider's own JSON, which may have any shape. */

/** The value under a path of keys, or undefined. */
export function valueAt(data: unknown, ...path: readonly string[]): unknown {
  let value = data
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}

/** The strings of a list under a path, or undefined where there is no list. */
export function textsAt(data: unknown, ...path: readonly string[]): readonly string[] | undefined {
  const value = valueAt(data, ...path)
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : undefined
}

/** The text under a path, or undefined. */
export function textAt(data: unknown, ...path: readonly string[]): string | undefined {
  const value = valueAt(data, ...path)
  return typeof value === 'string' ? value : undefined
}
