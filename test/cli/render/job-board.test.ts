import { Chalk } from 'chalk'
import { describe, expect, it } from 'vitest'
import { age } from '../../../src/cli/render/age.ts'
import { drawBoard } from '../../../src/cli/render/job-board.ts'

const colors = new Chalk({ level: 0 })
const empty = { counts: {}, rows: [], spent: '$0.00', note: null }

function row(name: string) {
  return { name, startedAtMs: 0, model: 'lab/model', cost: '$0.10' }
}

describe('the board of a run', () => {
  it('shows what runs with its age, model and cost, then how far the whole is', () => {
    const state = { ...empty, counts: { completed: 3, running: 1, ready: 1, failed: 1 }, rows: [row('sample/a')] }
    const lines = drawBoard(state, { nowMs: 12_300, colors }).split('\n')
    expect(lines[0]).toMatch(/12s {2}sample\/a {2}lab\/model {2}\$0\.10$/)
    expect(lines[1]).toContain('4/6 · 1 running · 1 ready · 1 failed or skipped · $0.00')
  })

  it('counts the rows that a small terminal has no place for', () => {
    const rows = Array.from({ length: 20 }, (_, index) => row(`sample/j${index}`))
    expect(drawBoard({ ...empty, rows }, { nowMs: 0, colors })).toContain('and 8 more')
  })

  it('lets no name move the cursor', () => {
    const board = drawBoard({ ...empty, rows: [row('sample/\u001b[2Jx')] }, { nowMs: 0, colors })
    expect(board).not.toContain('\u001b')
  })
})

describe('an age', () => {
  it.each([
    [-5, '0.0s'],
    [1234, '1.2s'],
    [59_999, '59s'],
    [65_000, '1m 05s'],
    [3_600_000 * 2 + 60_000 * 10, '2h 10m'],
    [86_400_000 * 4 + 3_600_000 * 3, '4d 03h'],
  ])('%i ms is %s', (durationMs, text) => {
    expect(age(durationMs)).toBe(text)
  })
})
