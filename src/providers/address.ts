/** Where a provider may be: addresses that a key or a prompt may be sent to. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { OrchError } from '../errors/orch-error.ts'

/** Parses an http(s) address. Throws ORCH_USAGE for anything else, or when it holds a user, password, query or fragment. */
export function parseBaseUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw badAddress('it is no URL; expected something like http://127.0.0.1:1234/v1')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw badAddress(`it is ${url.protocol} and not http(s)`)
  if (url.username !== '' || url.password !== '') throw badAddress('it holds a user or password')
  if (url.search !== '' || url.hash !== '') throw badAddress('it has a query or fragment')
  return url
}

function badAddress(reason: string): OrchError {
  // The address itself is not repeated: a key pasted into it must not be printed.
  return new OrchError('ORCH_USAGE', `The base URL cannot be used: ${reason}`, {
    hint: 'Keys belong in a credential: `orch providers key <id>`',
  })
}

/** Host without brackets and trailing dot, in lower case. URL parsing has already made `2130706433` and `0x7f.1` dotted. */
function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

/** The IPv4 address inside `::ffff:a.b.c.d` (which URLs write in hex), otherwise the host as it is. */
function unmapped(host: string): string {
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)
  if (hex === null) return host.replace(/^::ffff:(?=\d+\.)/, '')
  const bits = (Number.parseInt(hex[1] ?? '', 16) << 16) | Number.parseInt(hex[2] ?? '', 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

/** Whether a base URL is this machine. Only exact names: `127.attacker.example` is not. */
export function isLoopback(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false
  const host = unmapped(hostOf(new URL(baseUrl)))
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

const privateV4 = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/

function isPrivateNetwork(host: string): boolean {
  return (isIP(host) === 4 && privateV4.test(host)) || (isIP(host) === 6 && /^f[cd]/.test(host))
}

const metadataHosts = new Set(['metadata.google.internal', 'metadata', 'instance-data'])
/** Cloud metadata services outside the link-local range: Alibaba, AWS over IPv6, Oracle. */
const metadataAddresses = new Set(['100.100.100.200', 'fd00:ec2::254', '192.0.0.192'])

/** Link-local, unspecified and cloud metadata addresses: never a model server, often a target. */
function isForbiddenAddress(address: string): boolean {
  const host = unmapped(address)
  if (metadataAddresses.has(host)) return true
  if (isIP(host) === 4) return host.startsWith('169.254.') || host.startsWith('0.')
  return isIP(host) === 6 && (/^fe[89ab]/.test(host) || host === '::')
}

/**
 * Refuses an address that a request must not go to: plain http beyond this machine (a private network is
 * allowed where no key is sent), link-local and metadata services. Throws ORCH_CONFIG_UNTRUSTED.
 */
export function assertAllowedAddress(baseUrl: string, sendsKey: boolean): void {
  const url = parseBaseUrl(baseUrl)
  const host = unmapped(hostOf(url))
  if (metadataHosts.has(host) || isForbiddenAddress(host)) throw forbidden(host)
  if (url.protocol === 'https:' || isLoopback(baseUrl)) return
  if (!sendsKey && isPrivateNetwork(host)) return
  throw new OrchError('ORCH_CONFIG_UNTRUSTED', `Plain http to ${host} is refused: only https leaves this machine`, {
    hint: sendsKey ? 'Use https, or a provider without a key on a private network' : 'Use https',
  })
}

/** The same check for what the host's name resolves to. A name that does not resolve is left to the request itself. */
export async function assertAllowedResolution(baseUrl: string): Promise<void> {
  const host = hostOf(new URL(baseUrl))
  if (isIP(host) !== 0 || host === 'localhost') return
  const answers = await lookup(host, { all: true }).catch(() => [])
  if (answers.some(({ address }) => isForbiddenAddress(address))) throw forbidden(host)
}

function forbidden(host: string): OrchError {
  return new OrchError('ORCH_CONFIG_UNTRUSTED', `${host} is a link-local or metadata address, which orch never calls`, {
    hint: 'Correct the base URL with `orch providers edit`',
  })
}
