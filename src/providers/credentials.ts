/**
 * Named credentials in the user's configuration directory. A database or project file can name one, never
 * define one: where a key comes from and the origin it may go to are decided here.
 */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { OrchError } from '../errors/orch-error.ts'
import { rememberSecret } from '../runtime/redaction.ts'
import { assertCredentialName, cleanKey, describeSource, toCredential, type Credential } from './credential.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'
import { allVendors, normalizeBaseUrl } from './vendors.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface CredentialsOptions {
  readonly userConfigDir: string
  readonly env: Environment
}

const keychainService = 'orch'
const commandTimeoutMs = 10_000

export class Credentials {
  readonly #directory: string
  readonly #env: Environment

  constructor({ userConfigDir, env }: CredentialsOptions) {
    this.#directory = userConfigDir
    this.#env = env
  }

  /** The stored credentials, without keys. Throws ORCH_CONFIG_UNTRUSTED when others could have written the file. */
  async list(): Promise<readonly Credential[]> {
    const text = await readSecretFile(this.#listPath)
    if (text === null) return []
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch (error) {
      throw new OrchError('ORCH_CONFIG_INVALID', `${this.#listPath} is no JSON`, {
        hint: 'Remove it and name the credentials again with `orch providers key`',
        cause: error,
      })
    }
    const entries = Object.entries((parsed ?? {}) as Record<string, unknown>)
    return entries.flatMap(([name, value]) => toCredential(name, value) ?? [])
  }

  /** A stored credential, or the vendor's environment variable of that name; null where neither exists. */
  async get(name: string): Promise<Credential | null> {
    const stored = await this.list()
    return stored.find((credential) => credential.name === name) ?? this.#fromEnvironment(name)
  }

  /** Stores where a key is; `key` is kept for the file and the keychain only. */
  async put(credential: Credential, key: string | null): Promise<void> {
    assertCredentialName(credential.name)
    if (key !== null) await this.#storeKey(credential, cleanKey(key, credential.name))
    const others = (await this.list()).filter(({ name }) => name !== credential.name)
    await this.#writeList([...others, credential])
  }

  /** Forgets a credential and the key that orch holds for it. Returns whether there was one. */
  async remove(name: string): Promise<boolean> {
    const stored = await this.list()
    const found = stored.find((credential) => credential.name === name)
    if (found === undefined) return false
    await this.#writeList(stored.filter((credential) => credential !== found))
    if (found.source.kind === 'file') await rm(this.#keyPath(name), { force: true })
    if (found.source.kind === 'keychain') await (await openKeychain(name)).deletePassword().catch(() => {})
    return true
  }

  /**
   * Reads the key anew. Throws ORCH_CREDENTIAL_MISSING when it has no source or the source is empty, and
   * ORCH_CONFIG_UNTRUSTED when the base URL is not the origin it is bound to.
   */
  async read(name: string, baseUrl: string): Promise<string> {
    const credential = await this.get(name)
    if (credential === null) throw missing(name, 'has no source on this machine')
    assertBound(credential, baseUrl)
    const raw = await this.#readSource(credential)
    if (raw === null || raw.trim() === '') throw missing(name, `is empty: ${describeSource(credential.source)}`)
    const key = cleanKey(raw, name)
    rememberSecret(key)
    return key
  }

  /** Why `read` would fail, as far as can be told without running a command or opening the keychain; null if nothing is known. */
  async problem(name: string, baseUrl: string): Promise<string | null> {
    try {
      const credential = await this.get(name)
      if (credential === null) return `the credential ${name} has no source on this machine`
      assertBound(credential, baseUrl)
      const { kind } = credential.source
      if (kind === 'environment' || kind === 'file') await this.read(name, baseUrl)
      return null
    } catch (error) {
      if (error instanceof OrchError) return error.message
      throw error
    }
  }

  get #listPath(): string {
    return join(this.#directory, 'credentials.json')
  }

  #keyPath(name: string): string {
    return join(this.#directory, 'keys', name)
  }

  #fromEnvironment(name: string): Credential | null {
    const vendor = allVendors().find(({ keyVariables }) => keyVariables.includes(name))
    if (vendor === undefined || vendor.defaultBaseUrl === null || (this.#env[name] ?? '') === '') return null
    const moved = vendor.baseUrlVariables.map((variable) => this.#env[variable]).find((value) => (value ?? '') !== '')
    const baseUrl = moved === undefined ? vendor.defaultBaseUrl : normalizeBaseUrl(vendor, moved)
    return { name, source: { kind: 'environment', variable: name }, origin: new URL(baseUrl).origin }
  }

  async #readSource({ name, source }: Credential): Promise<string | null> {
    switch (source.kind) {
      case 'environment':
        return this.#env[source.variable] ?? null
      case 'file':
        return readSecretFile(this.#keyPath(name))
      case 'keychain':
        return readKeychain(name)
      case 'command':
        return runKeyCommand(name, source.argv, this.#env)
    }
  }

  async #storeKey({ name, source }: Credential, key: string): Promise<void> {
    rememberSecret(key)
    if (source.kind === 'file') return writeSecretFile(this.#keyPath(name), `${key}\n`)
    if (source.kind !== 'keychain') return
    try {
      await (await openKeychain(name)).setPassword(key)
    } catch (error) {
      throw keychainFailure(error)
    }
  }

  async #writeList(credentials: readonly Credential[]): Promise<void> {
    const byName = Object.fromEntries(credentials.map(({ name, source, origin }) => [name, { source, origin }]))
    await writeSecretFile(this.#listPath, `${JSON.stringify(byName, null, 2)}\n`)
  }
}

function assertBound(credential: Credential, baseUrl: string): void {
  const { origin } = new URL(baseUrl)
  if (origin === credential.origin) return
  throw new OrchError(
    'ORCH_CONFIG_UNTRUSTED',
    `The credential ${credential.name} is bound to ${credential.origin} and is not sent to ${origin}`,
    { hint: 'If you moved the provider yourself, bind it anew with `orch providers key <id>`' },
  )
}

function missing(name: string, why: string): OrchError {
  return new OrchError('ORCH_CREDENTIAL_MISSING', `The credential ${name} ${why}`, {
    hint: 'Say where its key is with `orch providers key <id>`',
  })
}

async function openKeychain(name: string) {
  try {
    const { AsyncEntry } = await import('@napi-rs/keyring')
    return new AsyncEntry(keychainService, name)
  } catch (error) {
    throw keychainFailure(error)
  }
}

async function readKeychain(name: string): Promise<string | null> {
  try {
    return (await (await openKeychain(name)).getPassword()) ?? null
  } catch (error) {
    throw keychainFailure(error)
  }
}

/** Headless Linux has no keychain at all, which is ordinary. */
function keychainFailure(error: unknown): OrchError {
  if (error instanceof OrchError) return error
  return new OrchError('ORCH_CREDENTIAL_MISSING', 'The keychain of this machine cannot be used', {
    hint: 'Use --file, --env or --command instead',
    cause: error,
  })
}

/** Runs the user's own helper (`pass show x`): no shell, output never shown. */
function runKeyCommand(name: string, argv: readonly [string, ...string[]], env: Environment): Promise<string> {
  const [program, ...rest] = argv
  return new Promise((resolve, reject) => {
    const options = { timeout: commandTimeoutMs, maxBuffer: 64 * 1024, windowsHide: true, env: { ...env } }
    execFile(program, rest, options, (error, stdout) => {
      if (error === null) return resolve(stdout)
      // Neither the arguments nor the output are repeated: either may be the key.
      reject(missing(name, `could not be read: ${program} failed (${error.code ?? error.signal ?? 'unknown'})`))
    })
  })
}
