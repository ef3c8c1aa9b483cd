import type { StoredProvider } from '../database/repositories/provider-config-repository.ts'
import { isLoopback } from './address.ts'
import { providerKinds, type Provider, type ProviderKind } from './provider.ts'
import { rehearsalProvider } from './rehearsal-settings.ts'
import { vendorOf } from './vendors.ts'

/** A stored row as a provider; null for a kind that another version of orch wrote. */
export function toProvider(row: StoredProvider): Provider | null {
  const { kind } = row
  if (!isKind(kind)) return null
  const fallback = kind === 'rehearsal' ? rehearsalProvider().baseUrl : (vendorOf(kind).defaultBaseUrl ?? '')
  const baseUrl = row.baseUrl ?? fallback
  return { ...row, kind, baseUrl, origin: 'database', local: kind === 'rehearsal' || isLoopback(baseUrl) }
}

function isKind(kind: string): kind is ProviderKind {
  return (providerKinds as readonly string[]).includes(kind)
}
