/** The address without its password, for messages and reports. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    parsed.password = ''
    parsed.searchParams.delete('password')
    return parsed.toString()
  } catch {
    return 'the Postgres server'
  }
}
