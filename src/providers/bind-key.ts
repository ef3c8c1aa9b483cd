/** Ties a provider to the place of its key. */
import { OrchError } from '../errors/orch-error.ts'
import type { Credential, CredentialSource } from './credential.ts'
import { assertWritable, editProvider, type EditDeps } from './edit-provider.ts'

/** The one source the flags name, or null for "keychain, else file". Throws ORCH_USAGE for more than one. */
export function chosenSource(options: Readonly<Record<string, unknown>>): CredentialSource | null {
  const { env, command, keychain, file } = options
  const sources: CredentialSource[] = []
  if (typeof env === 'string') sources.push({ kind: 'environment', variable: variableName(env) })
  if (Array.isArray(command)) sources.push({ kind: 'command', argv: commandArgv(command.map(String)) })
  if (keychain === true) sources.push({ kind: 'keychain' })
  if (file === true) sources.push({ kind: 'file' })
  if (sources.length <= 1) return sources[0] ?? null
  throw new OrchError('ORCH_USAGE', 'A key has one place: give one of --env, --command, --keychain and --file')
}

/** Somebody may well type the key itself after `--env`; it must not be stored or repeated. */
function variableName(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(text)) return text
  throw new OrchError('ORCH_USAGE', '--env takes the name of an environment variable, found something else', {
    hint: 'To store a key itself, pipe it in: `orch providers key <id> --file < key.txt`',
  })
}

/** Words, or one JSON array for arguments that start with a dash. */
function commandArgv(words: readonly string[]): readonly [string, ...string[]] {
  const [first = '', ...rest] = words
  if (rest.length > 0 || !first.startsWith('[')) return [first, ...rest]
  try {
    const parsed: unknown = JSON.parse(first)
    if (Array.isArray(parsed) && parsed.every((part) => typeof part === 'string') && parsed.length > 0) {
      const [program = '', ...parameters] = parsed
      return [program, ...parameters]
    }
  } catch {
    // Falls through to the one message below.
  }
  throw new OrchError('ORCH_USAGE', '--command takes words, or one JSON array of strings')
}

export interface BindRequest {
  /** Null tries the keychain and falls back to a file. */
  readonly source: CredentialSource | null
  readonly name: string | undefined
  /** Takes the key from a person or a pipe; called only where orch keeps it. */
  readonly ask: () => Promise<string>
  /** Asked before a credential is bound to another origin than before. */
  readonly mayRebind: (question: string) => Promise<boolean>
  readonly warn: (message: string) => void
}

/**
 * Stores where a provider's key is, bound to the origin of its base URL, and names the credential in the
 * provider's row. Throws what reading a key throws; a wrong source fails here and not at the first call.
 */
export async function bindKey(deps: EditDeps, id: string, request: BindRequest): Promise<Credential> {
  await assertWritable(deps, 'providers key')
  const { credentials } = deps.providers
  const { kind, baseUrl, credential: current } = await deps.providers.get(id)
  if (kind === 'rehearsal') throw new OrchError('ORCH_CONFLICT', 'The rehearsal provider needs no key')
  const { origin } = new URL(baseUrl)
  const name = request.name ?? id
  const known = (await credentials.list()).find((credential) => credential.name === name)
  if (known !== undefined && known.origin !== origin) {
    const question = `The credential ${name} is bound to ${known.origin}. Send it to ${origin} from now on?`
    if (!(await request.mayRebind(question))) {
      throw new OrchError('ORCH_CONFLICT', `The credential ${name} stays bound to ${known.origin}`, {
        hint: 'Give this one another name with --name',
      })
    }
  }
  const bound = await store(deps, { name, origin }, request)
  if (current !== name) await editProvider(deps, id, { credential: name })
  return bound
}

async function store(
  { providers: { credentials } }: EditDeps,
  { name, origin }: Pick<Credential, 'name' | 'origin'>,
  { source, ask, warn }: BindRequest,
): Promise<Credential> {
  if (source !== null) {
    const credential = { name, origin, source }
    const holdsKey = source.kind === 'file' || source.kind === 'keychain'
    await credentials.put(credential, holdsKey ? await ask() : null)
    if (!holdsKey) await warnUnlessReadable(credentials, credential, warn)
    return credential
  }
  const key = await ask()
  try {
    const inKeychain: Credential = { name, origin, source: { kind: 'keychain' } }
    await credentials.put(inKeychain, key)
    return inKeychain
  } catch (error) {
    if (!(error instanceof OrchError) || error.cause === undefined) throw error
    warn('This machine has no keychain that can be used: the key is kept in a file that only you can read')
    const inFile: Credential = { name, origin, source: { kind: 'file' } }
    await credentials.put(inFile, key)
    return inFile
  }
}

/** A variable may be set later, so that an empty source is worth a word and no failure. */
async function warnUnlessReadable(
  credentials: EditDeps['providers']['credentials'],
  { name, origin }: Credential,
  warn: (message: string) => void,
): Promise<void> {
  try {
    await credentials.read(name, origin)
  } catch (error) {
    if (!(error instanceof OrchError)) throw error
    warn(error.message)
  }
}

/** Forgets the key that a provider uses, and its name in the row. Returns the credential's name, or null where orch kept none. */
export async function forgetKey(deps: EditDeps, id: string): Promise<string | null> {
  await assertWritable(deps, 'providers key')
  const { credential } = await deps.providers.get(id)
  if (credential === null || !(await deps.providers.credentials.remove(credential))) return null
  await editProvider(deps, id, { credential: null })
  return credential
}
