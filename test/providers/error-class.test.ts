import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ErrorClass } from '../../src/domain/error-class.ts'
import { classifyNetworkFailure, classifyResponse } from '../../src/providers/error-class.ts'
import type { ProviderKind } from '../../src/providers/provider.ts'

interface Fixture {
  readonly kind: ProviderKind
  readonly cases: readonly {
    readonly name: string
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
    readonly expected: { readonly errorClass: ErrorClass; readonly retryAfterMs?: number }
  }[]
}

const directory = new URL('../fixtures/provider-errors/', import.meta.url)
/** Monday, 2 November 2026, 09:00 UTC: 01:00 in California, after the end of summer time. */
const nowMs = 1_793_610_000_000

describe.each(readdirSync(directory))('%s', (file) => {
  const { kind, cases } = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Fixture
  test.each(cases)('$status $name is $expected.errorClass', ({ status, headers, body, expected }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const { errorClass, retryAfterMs } = classifyResponse({ kind, status, headers, body: text, nowMs })
    expect({ errorClass, retryAfterMs }).toEqual({ retryAfterMs: undefined, ...expected })
  })

  test.each(cases)('$status $name does not depend on what the message says', ({ status, headers, body, expected }) => {
    const text = (typeof body === 'string' ? body : JSON.stringify(body)).replaceAll(
      /"message":"[^"]*"/g,
      '"message":"insufficient_quota rate limit context_length_exceeded invalid api key"',
    )
    expect(classifyResponse({ kind, status, headers, body: text, nowMs }).errorClass).toBe(expected.errorClass)
  })
})

test('a retry-after may be a date', () => {
  const headers = { 'retry-after': 'Mon, 02 Nov 2026 09:02:00 GMT' }
  const found = classifyResponse({ kind: 'openai', status: 429, headers, body: undefined, nowMs })
  expect(found.retryAfterMs).toBe(120_000)
})

test('a told delay beyond a day is cut to a day', () => {
  const found = classifyResponse({ kind: 'openai', status: 429, headers: { 'retry-after': '999999' }, body: '', nowMs })
  expect(found.retryAfterMs).toBe(86_400_000)
})

test.each([
  ['ECONNREFUSED', { local: false, connecting: true }, 'connect'],
  ['ECONNREFUSED', { local: true, connecting: true }, 'config'],
  ['ENOTFOUND', { local: false, connecting: false }, 'connect'],
  ['ETIMEDOUT', { local: false, connecting: true }, 'connect'],
  ['ETIMEDOUT', { local: false, connecting: false }, 'unknown_outcome'],
  ['CERT_HAS_EXPIRED', { local: false, connecting: false }, 'connect'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', { local: false, connecting: false }, 'connect'],
  ['ECONNRESET', { local: false, connecting: false }, 'unknown_outcome'],
  ['UND_ERR_SOCKET', { local: true, connecting: false }, 'unknown_outcome'],
  ['UND_ERR_HEADERS_TIMEOUT', { local: false, connecting: false }, 'hang'],
  [undefined, { local: false, connecting: false }, 'unknown_outcome'],
] as const)('%s (%j) is %s', (code, at, expected) => {
  expect(classifyNetworkFailure(code, at)).toBe(expected)
})
