import { describe, expect, test } from 'vitest'
import { redact, rememberEnvironmentSecrets, rememberSecret } from '../../src/runtime/redaction.ts'

describe('by shape', () => {
  test.each([
    'sk-proj-abcdefghijklmnop1234',
    'sk-ant-api03-abcdefghijklmnop',
    'sk-or-v1-0123456789abcdef',
    'AIzaSyA-0123456789abcdefghijklmnopqrst',
    'gsk_0123456789abcdefghij',
    'ghp_0123456789abcdefghij',
    'xoxb-0123456789-abcdef',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh',
  ])('%s is taken out of any text', (key) => {
    expect(redact(`failed with ${key}: no`)).toBe('failed with [redacted]: no')
  })

  test('header values, passwords in addresses and keys in queries lose their secret and keep their place', () => {
    expect(redact('Authorization: Bearer abc123def456')).toBe('Authorization: Bearer [redacted]')
    expect(redact('postgres://me:hunter2@db/x')).toBe('postgres://me:[redacted]@db/x')
    expect(redact('GET /models?key=abc&x=1')).toBe('GET /models?key=[redacted]&x=1')
  })

  test('ordinary text stays as it is', () => {
    const text = 'The task-force asked 3 models at http://127.0.0.1:8080/v1; see skill-set and desk-lamp.'
    expect(redact(text)).toBe(text)
  })
})

describe('by value', () => {
  const secret = 'p@ss "quoted" word/1'
  test.each([
    ['as it is', secret],
    ['in an address', encodeURIComponent(secret)],
    ['inside JSON', JSON.stringify({ key: secret }).slice(8, -2)],
    ['as base64', Buffer.from(secret).toString('base64')],
  ])('a known secret is found %s', (_form, text) => {
    expect(redact(`before ${text} after`, [secret])).toBe('before [redacted] after')
  })

  test('a secret that holds another leaves no tail', () => {
    expect(redact('abcdefgh-tail', ['abcdefgh', 'abcdefgh-tail'])).toBe('[redacted]')
  })

  test('what was read once is redacted from then on, short words never', () => {
    rememberSecret('remembered-value-1')
    rememberSecret('no')
    rememberEnvironmentSecrets({ WORK_API_KEY: 'from-the-environment', HOME: '/home/me-and-you' })
    expect(redact('remembered-value-1 from-the-environment no /home/me-and-you')).toBe(
      '[redacted] [redacted] no /home/me-and-you',
    )
  })
})
