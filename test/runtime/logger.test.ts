import { expect, test } from 'vitest'
import { lineLogger } from '../../src/runtime/logger.ts'
import { rememberSecret } from '../../src/runtime/redaction.ts'

test('a key never reaches a diagnostic line, however deep it lies', () => {
  rememberSecret('canary-3f9a8c7d6e5b4a32')
  let written = ''
  const logger = lineLogger({ write: (text) => ((written += text), true) })
  logger.debug('sent canary-3f9a8c7d6e5b4a32', { headers: { inner: ['Bearer canary-3f9a8c7d6e5b4a32'] } })
  expect(written).toMatch(/^debug: sent /)
  expect(written).not.toContain('canary-3f9a8c7d6e5b4a32')
})
