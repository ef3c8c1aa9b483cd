/** Changes to the stored providers. A provider known only from the environment or detection is stored by its first change. */
import type { Capabilities } from '../database/capabilities.ts'
import type { Database } from '../database/connection.ts'
import {
  addProviderConfig,
  removeProviderConfig,
  updateProviderConfig,
  type StoredProvider,
} from '../database/repositories/provider-config-repository.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import { assertAllowedAddress } from './address.ts'
import type { ProviderManager } from './provider-manager.ts'
import type { Provider, ProviderKind } from './provider.ts'
import { rehearsalAddress } from './rehearsal-settings.ts'
import { normalizeBaseUrl, vendorOf } from './vendors.ts'

export interface EditDeps {
  readonly providers: ProviderManager
  readonly database: () => Promise<Database>
  readonly tables: () => Promise<Pick<Capabilities, 'require'>>
  readonly databaseIsTrusted: () => Promise<boolean>
  readonly clock: Clock
}

/** What a person may say of a provider; undefined leaves a field as it is, null clears it. */
export interface ProviderChanges {
  readonly label?: string
  readonly baseUrl?: string
  readonly credential?: string | null
  readonly requestsPerMinute?: number | null
  readonly tokensPerMinute?: number | null
  readonly maxConcurrency?: number | null
  readonly enabled?: boolean
}

const idForm = /^[a-z0-9][a-z0-9._-]{0,63}$/

/**
 * Stores a new provider. Throws ORCH_USAGE for an id or address of the wrong form, ORCH_CONFLICT when the id
 * is stored already, ORCH_TABLE_MISSING, and ORCH_CONFIG_UNTRUSTED in a database that is not trusted.
 */
export async function addProvider(
  deps: EditDeps,
  id: string,
  wish: ProviderChanges & { readonly kind: ProviderKind },
): Promise<Provider> {
  await assertWritable(deps, 'providers add')
  if (!idForm.test(id)) {
    throw new OrchError('ORCH_USAGE', 'A provider id is lower-case letters, digits, dots, dashes and underscores', {
      hint: 'For example: orch providers add lab --kind openai-compatible --base-url http://127.0.0.1:8000/v1',
    })
  }
  const baseUrl = addressFor(wish.kind, wish.baseUrl)
  const stored: StoredProvider = {
    id,
    label: wish.label ?? id,
    kind: wish.kind,
    baseUrl,
    credential: wish.credential ?? (await ownCredential(deps, wish.kind, baseUrl)),
    requestsPerMinute: wish.requestsPerMinute ?? null,
    tokensPerMinute: wish.tokensPerMinute ?? null,
    maxConcurrency: wish.maxConcurrency ?? null,
    enabled: wish.enabled ?? true,
  }
  const database = await deps.database()
  const added = await database.announce((trx) => addProviderConfig(trx, stored, deps.clock.now()))
  if (!added) {
    throw new OrchError('ORCH_CONFLICT', `A provider ${id} is stored already`, {
      hint: `Change it with \`orch providers edit ${id}\`, or take another id`,
    })
  }
  return deps.providers.get(id)
}

/** Changes a provider, storing it first where it was not. Throws ORCH_NOT_FOUND, and as `addProvider` does. */
export async function editProvider(deps: EditDeps, id: string, changes: ProviderChanges): Promise<Provider> {
  await assertWritable(deps, 'providers edit')
  const known = await deps.providers.get(id)
  const { kind } = known
  const next: StoredProvider = {
    id,
    label: changes.label ?? known.label,
    kind,
    baseUrl: changes.baseUrl === undefined ? known.baseUrl : addressFor(kind, changes.baseUrl),
    credential: pick(changes.credential, known.credential),
    requestsPerMinute: pick(changes.requestsPerMinute, known.requestsPerMinute),
    tokensPerMinute: pick(changes.tokensPerMinute, known.tokensPerMinute),
    maxConcurrency: pick(changes.maxConcurrency, known.maxConcurrency),
    enabled: changes.enabled ?? known.enabled,
  }
  const nowMs = deps.clock.now()
  await (
    await deps.database()
  ).announce(async (trx) => {
    if (!(await updateProviderConfig(trx, next, nowMs))) await addProviderConfig(trx, next, nowMs)
  })
  return deps.providers.get(id)
}

/** Removes a stored provider; its usage stays. Throws ORCH_NOT_FOUND, or ORCH_CONFLICT for one that is not stored. */
export async function removeProvider(deps: EditDeps, id: string): Promise<void> {
  await assertWritable(deps, 'providers remove')
  const database = await deps.database()
  if (await database.announce((trx) => removeProviderConfig(trx, id))) return
  const { origin } = await deps.providers.get(id)
  throw new OrchError('ORCH_CONFLICT', `${id} is not stored: it comes from ${originText[origin]}`, {
    hint: `Switch it off with \`orch providers disable ${id}\``,
  })
}

/** Where a provider comes from, in words. */
export const originText: Readonly<Record<Provider['origin'], string>> = {
  database: 'the database',
  environment: 'the environment',
  detected: 'a server on this machine',
  'built-in': 'orch itself',
}

/** Throws unless this user may change the stored providers. Without this a cloned database could be edited into use. */
export async function assertWritable(deps: EditDeps, neededFor: string): Promise<void> {
  const tables = await deps.tables()
  await tables.require(['provider_config'], neededFor)
  if (await deps.databaseIsTrusted()) return
  throw new OrchError('ORCH_CONFIG_UNTRUSTED', 'This database is not trusted on this machine', {
    hint: 'Look at it with `orch providers list` after `orch db trust`, if you know where it comes from',
  })
}

function pick<T>(change: T | undefined, known: T): T {
  return change === undefined ? known : change
}

function addressFor(kind: ProviderKind, given: string | undefined): string {
  if (kind === 'rehearsal') return given ?? rehearsalAddress()
  const vendor = vendorOf(kind)
  const text = given ?? vendor.defaultBaseUrl
  if (text === null) {
    throw new OrchError('ORCH_USAGE', `A provider of kind ${kind} needs --base-url`, {
      hint: 'For example --base-url http://127.0.0.1:1234/v1 for LM Studio',
    })
  }
  const baseUrl = normalizeBaseUrl(vendor, text)
  assertAllowedAddress(baseUrl, false)
  return baseUrl
}

/** The vendor's environment key where it is set and bound to this very address. */
async function ownCredential({ providers }: EditDeps, kind: ProviderKind, baseUrl: string): Promise<string | null> {
  if (kind === 'rehearsal') return null
  for (const variable of vendorOf(kind).keyVariables) {
    const credential = await providers.credentials.get(variable)
    if (credential !== null && credential.origin === new URL(baseUrl).origin) return variable
  }
  return null
}
