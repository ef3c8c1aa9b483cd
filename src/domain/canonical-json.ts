/**
 * JSON with object keys sorted at every level and no whitespace: equal values give equal text whatever
 * order their keys were written in. Array order is kept. Undefined members are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    // A null prototype keeps a member called __proto__ an ordinary member.
    const sorted: Record<string, unknown> = Object.create(null)
    for (const [name, member] of Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1))) {
      sorted[name] = member
    }
    return sorted
  })
}
