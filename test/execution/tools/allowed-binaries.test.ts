import { expect, test } from 'vitest'
import { parseAllowedBinaries } from '../../../src/execution/tools/allowed-binaries.ts'

test('an entry is a program and one pattern per argument', () => {
  expect(parseAllowedBinaries(['["npm","run","*"]', '["make"]'])).toEqual([
    { binary: 'npm', arguments: ['run', '*'] },
    { binary: 'make', arguments: [] },
  ])
})

test.each(['npm run', '[]', '[""]', '[1]', '{"a":1}'])('%s is refused with what was expected', (entry) => {
  expect(() => parseAllowedBinaries([entry])).toThrow('expected a JSON array of texts')
})
