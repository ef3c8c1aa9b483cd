import { expect, it } from 'vitest'
import { slugPattern } from '../../src/planning/plan-schema.ts'
import { slugFromGoal } from '../../src/domain/slug.ts'
import fc from 'fast-check'

it.each([
  ['A REST API for todo lists, with tests!', 'a-rest-api-for-todo-lists-with-tests'],
  ['Übersetze die Café-Karte', 'ubersetze-die-cafe-karte'],
  ['一个待办事项应用', 'project'],
  [`${'word '.repeat(20)}`, 'word-word-word-word-word-word-word-word'],
  ['x'.repeat(100), 'x'.repeat(40)],
])('makes %j into %s', (goal, slug) => {
  expect(slugFromGoal(goal)).toBe(slug)
})

it('always makes a valid slug', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (goal) => slugPattern.test(slugFromGoal(goal))))
})
