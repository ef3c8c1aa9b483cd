import { ProviderManager, type ProviderManagerDeps } from '../../src/providers/provider-manager.ts'
import type { Provider, ProviderKind } from '../../src/providers/provider.ts'
import { vendorOf, normalizeBaseUrl } from '../../src/providers/vendors.ts'
import { systemClock } from '../../src/runtime/clock.ts'

/** A manager without a database, detection or environment, unless told otherwise. */
export function providerManager(
  deps: Partial<ProviderManagerDeps> & { readonly userConfigDir: string },
): ProviderManager {
  return new ProviderManager({
    database: () => Promise.reject(new Error('this test has no database')),
    tables: async () => ({ has: async () => false }),
    databaseIsTrusted: async () => true,
    env: { ORCH_DETECT: 'off' },
    clock: systemClock,
    ...deps,
  })
}

/** A provider at a fake server. */
export function testProvider(
  kind: Exclude<ProviderKind, 'rehearsal'>,
  url: string,
  changes: Partial<Provider> = {},
): Provider {
  return {
    id: kind,
    label: kind,
    kind,
    baseUrl: normalizeBaseUrl(vendorOf(kind), url),
    credential: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: true,
    origin: 'database',
    local: true,
    ...changes,
  }
}
