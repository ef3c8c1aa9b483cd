/** Parameters of an address that are secrets, also those of drivers that orch does not use. */
const secret = /password|secret|token/i

/** The address without its passwords, for messages and reports. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    parsed.password = ''
    const secrets = [...parsed.searchParams.keys()].filter((name) => secret.test(name))
    for (const name of secrets) parsed.searchParams.delete(name)
    return parsed.toString()
  } catch {
    return 'the Postgres server'
  }
}
