import { expect, it } from 'vitest'
import { nearestText } from '../../src/workspace/nearest-text.ts'

const text = ['function a() {', '  return 1', '}', '', 'function b() {', '  return 2', '}'].join('\n')

it('finds the place in spite of other indentation and a changed word', () => {
  expect(nearestText(text, 'function b() {\n      return 3\n}')).toMatchObject({
    line: 5,
    text: 'function b() {\n  return 2\n}',
  })
})

it('finds nothing where nothing is alike', () => {
  expect(nearestText(text, 'import x from "y"')).toBe(null)
  expect(nearestText('', 'a')).toBe(null)
})
