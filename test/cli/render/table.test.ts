import { describe, expect, it } from 'vitest'
import { displayWidth, table } from '../../../src/cli/render/table.ts'

describe('table', () => {
  it('aligns columns without borders or trailing spaces', () => {
    expect(
      table(
        ['job', 'state'],
        [
          ['scaffold', 'ready'],
          ['x', 'completed'],
        ],
      ),
    ).toBe(['job       state', 'scaffold  ready', 'x         completed'].join('\n'))
  })

  it('aligns wide characters by the columns they fill', () => {
    const lines = table(
      ['a', 'b'],
      [
        ['漢字', 1],
        ['👍', 2],
        ['ab', 3],
      ],
    ).split('\n')
    expect(lines.map((line) => displayWidth(line))).toEqual([7, 7, 7, 7])
  })

  it('makes cells plain, one line each, and paints afterwards', () => {
    const text = table(['a'], [[{ text: '\u001b[5mx\ny', paint: (cell) => `<${cell}>` }], [null]])
    expect(text).toBe(['a', '<x y>', '-'].join('\n'))
  })

  it('cuts the widest column to fit the terminal', () => {
    const text = table(['key', 'title'], [['short', 'a very long title that does not fit']], {
      width: 24,
    })
    expect(text).toBe(['key    title', 'short  a very long titl…'].join('\n'))
  })

  it('shows the head alone when there are no rows', () => {
    expect(table(['key', 'title'], [])).toBe('key  title')
  })
})
