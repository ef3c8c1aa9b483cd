import { expect, test } from 'vitest'
import { assertAllowedAddress, isLoopback, parseBaseUrl } from '../../src/providers/address.ts'
import { normalizeBaseUrl, vendorOf } from '../../src/providers/vendors.ts'
import { ollamaAddress } from '../../src/providers/detection.ts'

test.each([
  ['http://127.0.0.1:1234/v1', true],
  ['http://localhost:8080', true],
  ['http://localhost.:8080', true],
  ['http://[::1]:8080', true],
  ['http://[::ffff:127.0.0.1]:8080', true],
  ['http://2130706433/', true],
  ['http://127.attacker.example/', false],
  ['http://localhost.attacker.example/', false],
  ['http://10.0.0.1/', false],
  ['not a url', false],
])('%s is this machine: %s', (url, expected) => {
  expect(isLoopback(url)).toBe(expected)
})

test.each([
  'http://169.254.169.254/latest',
  'https://169.254.169.254/',
  'https://[fe80::1]/',
  'https://[::ffff:169.254.169.254]/',
  'https://2852039166/',
  'https://0xa9fea9fe/',
  'https://metadata.google.internal/',
  'https://metadata.google.internal./',
  'https://METADATA.google.internal/',
  'https://100.100.100.200/',
  'https://[fd00:ec2::254]/',
  'https://0.0.0.0/',
])('%s is never called', (url) => {
  expect(() => assertAllowedAddress(url, false)).toThrow(expect.objectContaining({ code: 'ORCH_CONFIG_UNTRUSTED' }))
})

test('plain http stays on this machine, or on a private network without a key', () => {
  expect(() => assertAllowedAddress('http://api.example.com/v1', false)).toThrow(/only https/)
  expect(() => assertAllowedAddress('http://192.168.1.5:11434', false)).not.toThrow()
  expect(() => assertAllowedAddress('http://192.168.1.5:11434', true)).toThrow(/only https/)
  expect(() => assertAllowedAddress('http://127.0.0.1:11434', true)).not.toThrow()
  expect(() => assertAllowedAddress('https://api.example.com/v1', true)).not.toThrow()
})

test.each(['ftp://x/', 'javascript:alert(1)', 'https://user:secret@x/', 'https://x/?key=secret', 'nonsense'])(
  '%s is no base URL, and the message does not repeat it',
  (url) => {
    expect(() => parseBaseUrl(url)).toThrow(expect.objectContaining({ code: 'ORCH_USAGE' }))
    expect(() => parseBaseUrl(url)).not.toThrow(/secret/)
  },
)

test.each([
  ['openai', 'https://gateway.example/', 'https://gateway.example/v1'],
  ['openai', 'https://gateway.example/openai/v1/', 'https://gateway.example/openai/v1'],
  ['google', 'https://gateway.example', 'https://gateway.example/v1beta'],
  ['ollama', 'http://127.0.0.1:11434/v1/', 'http://127.0.0.1:11434'],
  ['openai-compatible', 'http://127.0.0.1:1234', 'http://127.0.0.1:1234/v1'],
] as const)('%s at %s is %s', (kind, given, expected) => {
  expect(normalizeBaseUrl(vendorOf(kind), given)).toBe(expected)
})

test.each([
  ['0.0.0.0', 'http://127.0.0.1:11434'],
  ['0.0.0.0:9000', 'http://127.0.0.1:9000'],
  [':9000', 'http://127.0.0.1:9000'],
  ['gpu-box', 'http://gpu-box:11434'],
  ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000'],
  ['https://ollama.example', 'https://ollama.example'],
])('OLLAMA_HOST=%s is reached at %s', (host, expected) => {
  expect(ollamaAddress(host)).toBe(expected)
})
