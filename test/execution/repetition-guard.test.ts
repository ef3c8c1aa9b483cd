import { describe, expect, it } from 'vitest'
import { RepetitionGuard, type ObservedCall } from '../../src/execution/repetition-guard.ts'

const read = (path: string, output = `content of ${path}`): ObservedCall => ({
  name: 'read',
  input: { path },
  output,
  changes: false,
})
const write = (path: string, content: string): ObservedCall => ({
  name: 'write',
  input: { path, content },
  output: 'ok',
  changes: true,
})
const test = (output: string): ObservedCall => ({
  name: 'run',
  input: { argv: ['npm', 'test'] },
  output,
  changes: false,
})

/** At which call, from 1, the guard speaks; null if never. */
function stoppedAt(calls: readonly ObservedCall[]): number | null {
  const guard = new RepetitionGuard()
  const at = calls.findIndex((call) => guard.note(call) !== null)
  return at === -1 ? null : at + 1
}

/** The calls `a`, `b`... again and again. */
function cycle(length: number, calls: number): readonly ObservedCall[] {
  return Array.from({ length: calls }, (_, index) => read(`file-${index % length}`))
}

describe('the guard against repetition', () => {
  it('stops at the third identical call with the same answer, and names it', () => {
    const guard = new RepetitionGuard()
    expect([guard.note(test('failed')), guard.note(test('failed'))]).toEqual([null, null])
    expect(guard.note(test('failed'))).toContain('run {"argv":["npm","test"]}')
  })

  it('stops two calls that take turns when each has come twice, and names both', () => {
    const guard = new RepetitionGuard()
    const [a, b] = [read('a'), read('b')]
    expect([a, b, a].map((call) => guard.note(call))).toEqual([null, null, null])
    expect(guard.note(b)).toMatch(/read \{"path":"a"\} and read \{"path":"b"\}/)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 10, 15])(
    'stops a round of %i calls at most 5 calls after it begins again',
    (length) => {
      const at = stoppedAt(cycle(length, 100))
      expect(at).not.toBeNull()
      expect((at ?? 0) - (length + 1)).toBeLessThanOrEqual(5)
    },
  )

  it('lets a poll go on whose answer changes', () => {
    expect(stoppedAt(Array.from({ length: 50 }, (_, percent) => test(`${percent} % done`)))).toBeNull()
  })

  it('lets the same file be read again after it was written, every time', () => {
    const turns = [1, 2, 3, 4, 5].flatMap((version) => [
      read('notes', `version ${version - 1}`),
      write('notes', `version ${version}`),
      read('notes', `version ${version}`),
      test('still failing'),
    ])
    expect(stoppedAt(turns)).toBeNull()
  })

  it('stops edits that go back and forth', () => {
    expect(stoppedAt(['a', 'b', 'a', 'b', 'a'].map((content) => write('notes', content)))).toBe(4)
  })

  it('lets a file be read again that has long left the conversation', () => {
    const others = (round: number) => Array.from({ length: 20 }, (_, index) => read(`other-${round}-${index}`))
    expect(stoppedAt([read('a'), ...others(1), read('a'), ...others(2), read('a'), ...others(3), read('a')])).toBeNull()
  })

  it('cuts a long input where it names the call', () => {
    const guard = new RepetitionGuard()
    const long = read('x'.repeat(5000))
    const said = [long, long, long].map((call) => guard.note(call)).at(-1)
    expect(said?.length).toBeLessThan(300)
  })
})
