import { expect, it } from 'vitest'
import { editText } from '../../src/workspace/edit-text.ts'

it('keeps Windows line ends', () => {
  expect(editText('a\r\nb\r\nc', { find: 'a\nb', replace: 'x\ny', all: false })).toMatchObject({ text: 'x\r\ny\r\nc' })
})

it('takes the replacement literally', () => {
  expect(editText('a', { find: 'a', replace: '$&$1', all: false })).toMatchObject({ text: '$&$1' })
})

it('refuses an empty search text', () => {
  expect(editText('a', { find: '', replace: 'b', all: true })).toEqual({ kind: 'empty' })
})

it('names the lines of an ambiguous text', () => {
  expect(editText('x\ny\nx\nx', { find: 'x', replace: '', all: false })).toEqual({
    kind: 'ambiguous',
    lines: [1, 3, 4],
  })
})
