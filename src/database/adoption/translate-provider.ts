import { createHash } from 'node:crypto'
import type { StoredProvider } from '../repositories/provider-config-repository.ts'
import { hasSecret, type SourceRow } from './source-rows.ts'
import type { VendorKnowledge } from './vendor-knowledge.ts'
import { numberOf, textOf } from './without-keys.ts'

/** A provider that must be told where its key is, because keys are never taken over. */
export interface KeyRequest {
  readonly provider: string
  readonly label: string
  /** Whether the other application keeps a key for it; null where this role may not ask. */
  readonly keyStoredThere: boolean | null
  /** What to run. */
  readonly command: string
}

export interface TranslatedProvider {
  readonly provider: StoredProvider
  readonly key: KeyRequest | null
  /** What was changed on the way. */
  readonly notes: readonly string[]
}

const idForm = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** A row of the providers' table, or why orch has no use for it. */
export function translateProvider(row: SourceRow, knowledge: VendorKnowledge): TranslatedProvider | { reason: string } {
  const id = providerId(String(row['id']))
  const type = textOf(row['type']) ?? ''
  const kind = knowledge.kindOf(type)
  if (kind === null) return { reason: `orch knows no provider of type ${type === '' ? '(none)' : type}` }
  const given = cleanAddress(row['baseURL'])
  const address = knowledge.baseUrl(kind, given.text)
  if ('reason' in address) return address
  const { baseUrl } = address
  const label = textOf(row['label']) ?? id
  const perMinute = numberOf(row['requestsPerMinute'])
  const keyStoredThere = typeof row[hasSecret] === 'boolean' ? row[hasSecret] : null
  const provider: StoredProvider = {
    id,
    label,
    kind,
    baseUrl,
    credential: null,
    requestsPerMinute: perMinute !== null && perMinute >= 1 ? Math.floor(perMinute) : null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: row['isEnabled'] !== false,
  }
  const needsKey = keyStoredThere === true || knowledge.needsKey(kind, baseUrl)
  const variable = knowledge.keyVariable(kind)
  const command = `orch providers key ${id}${variable === null ? '' : ` --env ${variable}`}`
  return { provider, key: needsKey ? { provider: id, label, keyStoredThere, command } : null, notes: given.notes }
}

/**
 * The same id wherever orch can use it, so that what refers to it still does; otherwise one made from it alone,
 * so that every run makes the same.
 */
export function providerId(id: string): string {
  if (idForm.test(id)) return id
  const readable = id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 48)
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 8)
  return readable === '' ? `provider-${digest}` : `${readable}-${digest}`
}

/** A user, password or query may be a key. */
function cleanAddress(value: unknown): { readonly text: string | null; readonly notes: readonly string[] } {
  if (typeof value !== 'string' || value.trim() === '') return { text: null, notes: [] }
  if (!URL.canParse(value.trim())) return { text: value.trim(), notes: [] }
  const url = new URL(value.trim())
  const held = url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== ''
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return {
    text: url.toString(),
    notes: held ? ['its base URL held a user, password or query, which was left out'] : [],
  }
}
