import { expect, it } from 'vitest'
import { closestWord } from '../../src/domain/closest-word.ts'

it('suggests a near word and stays silent about far ones', () => {
  const known = ['depends_on', 'deliverables', 'run', 'key']
  expect(closestWord('depend_on', known)).toBe('depends_on')
  expect(closestWord('Deliverable', known)).toBe('deliverables')
  expect(closestWord('budget', known)).toBeNull()
})
