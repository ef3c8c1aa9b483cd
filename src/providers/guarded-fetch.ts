/**
 * The one way out to a provider: adds the key to each request, to its own origin only, and follows no
 * redirect. SDKs get this instead of a key, so that no SDK error or log can hold one.
 */
import { OrchError } from '../errors/orch-error.ts'
import { assertAllowedAddress, assertAllowedResolution } from './address.ts'
import type { Vendor } from './vendor.ts'

export interface GuardedFetchOptions {
  readonly vendor: Vendor
  readonly baseUrl: string
  /** Reads the key anew for each request; null sends none. Throws when the key may not go to this origin. */
  readonly readKey: () => Promise<string | null>
}

const keyHeaders = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']

/** A `fetch` for one provider. Throws ORCH_CONFIG_UNTRUSTED for an address that no request may go to. */
export function createGuardedFetch(options: GuardedFetchOptions): typeof globalThis.fetch {
  const { origin } = new URL(options.baseUrl)
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    if (new URL(url).origin !== origin) {
      throw new OrchError('ORCH_CONFIG_UNTRUSTED', 'A request tried to leave the origin of its provider')
    }
    const key = await options.readKey()
    assertAllowedAddress(options.baseUrl, key !== null)
    await assertAllowedResolution(options.baseUrl)
    const headers = new Headers(init?.headers)
    for (const name of keyHeaders) headers.delete(name)
    const own = { ...options.vendor.headers, ...(key === null ? {} : options.vendor.authorize(key)) }
    for (const [name, value] of Object.entries(own)) headers.set(name, value)
    // `manual` hands a redirect back as the reply, which then fails as `config`.
    return globalThis.fetch(url, { ...init, headers, redirect: 'manual' })
  }
}
