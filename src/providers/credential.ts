import { OrchError } from '../errors/orch-error.ts'

/** Where a key is. Only the file and the keychain hold it on orch's behalf. */
export type CredentialSource =
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  | { readonly kind: 'keychain' }
  | { readonly kind: 'file' }

/** A named key, bound to the one origin it may be sent to. */
export interface Credential {
  readonly name: string
  readonly source: CredentialSource
  /** Scheme, host and port, such as `https://api.openai.com`. */
  readonly origin: string
}

/** One line for people: where the key comes from, never the key. */
export function describeSource(source: CredentialSource): string {
  switch (source.kind) {
    case 'environment':
      return `environment variable ${source.variable}`
    case 'command':
      // Arguments may hold anything.
      return `command ${source.argv[0]}`
    case 'keychain':
      return 'keychain of the operating system'
    case 'file':
      return 'file in the configuration directory'
  }
}

/**
 * A key fit for a header: trimmed, printable ASCII, one word. Throws ORCH_CREDENTIAL_MISSING without
 * repeating what was found.
 */
export function cleanKey(raw: string, name: string): string {
  const key = raw.trim()
  if (key !== '' && /^[\x21-\x7e]+$/.test(key)) return key
  throw new OrchError(
    'ORCH_CREDENTIAL_MISSING',
    key === '' ? `The credential ${name} is empty` : `The credential ${name} holds characters that no key has`,
    { hint: 'Store it again with `orch providers key`' },
  )
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Credential names become file names, so their form is narrow. Throws ORCH_USAGE. */
export function assertCredentialName(name: string): void {
  if (nameForm.test(name)) return
  throw new OrchError('ORCH_USAGE', 'A credential name is letters, digits, dots, dashes and underscores', {
    hint: 'Use the id of the provider',
  })
}

/** Reads a stored entry; null for anything of another form. */
export function toCredential(name: string, value: unknown): Credential | null {
  if (!nameForm.test(name) || typeof value !== 'object' || value === null) return null
  const { source, origin } = value as { source?: unknown; origin?: unknown }
  const known = toSource(source)
  return known === null || typeof origin !== 'string' ? null : { name, source: known, origin }
}

function toSource(value: unknown): CredentialSource | null {
  if (typeof value !== 'object' || value === null) return null
  const { kind, variable, argv } = value as { kind?: unknown; variable?: unknown; argv?: unknown }
  if (kind === 'keychain' || kind === 'file') return { kind }
  if (kind === 'environment' && typeof variable === 'string') return { kind, variable }
  if (kind !== 'command' || !Array.isArray(argv) || !argv.every((part) => typeof part === 'string')) return null
  const [program, ...rest] = argv as string[]
  return program === undefined ? null : { kind, argv: [program, ...rest] }
}
