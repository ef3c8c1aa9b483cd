import { describe, expect, it } from 'vitest'
import { fitConversation } from '../../src/execution/conversation.ts'
import { RepetitionGuard } from '../../src/execution/repetition-guard.ts'
import type { ChatMessage } from '../../src/providers/model-client.ts'

const output = (bytes: number): ChatMessage => ({ role: 'tool', callId: '1', name: 'read', output: 'x'.repeat(bytes) })

describe('fitConversation', () => {
  it('leaves a conversation alone that fits', () => {
    const messages = [output(1000)]
    expect(fitConversation(messages, 10_000)).toBe(messages)
  })

  it('shortens the oldest large tool outputs, and only as many as it must', () => {
    const messages = [output(5000), output(100), output(5000), ...Array.from({ length: 4 }, () => output(50))]
    const fitted = fitConversation(messages, 7000)
    expect(fitted[0]).toMatchObject({ output: expect.stringContaining('left out to fit the context: output of read') })
    expect(fitted.slice(1)).toEqual(messages.slice(1))
  })

  it('keeps what the model has just asked for', () => {
    const messages = [output(5000), output(5000)]
    expect(fitConversation(messages, 100)).toEqual(messages)
  })
})

describe('RepetitionGuard', () => {
  const call = { name: 'run', input: { argv: ['npm', 'test'] }, output: 'failed', changes: false }

  it('notices the third identical call with the same answer', () => {
    const guard = new RepetitionGuard()
    expect([1, 2, 3].map(() => guard.note(call))).toEqual([false, false, true])
  })

  it('notices two calls that take turns', () => {
    const guard = new RepetitionGuard()
    const other = { ...call, output: 'else' }
    const seen = [call, other, call, other, call].map((one) => guard.note(one))
    expect(seen).toEqual([false, false, false, false, true])
  })

  it('starts again after a change of the workspace', () => {
    const guard = new RepetitionGuard()
    const edit = (content: string) => ({ name: 'write', input: { content }, output: 'ok', changes: true })
    const seen = [call, call, edit('a'), call, call, edit('b'), call].map((one) => guard.note(one))
    expect(seen).not.toContain(true)
  })

  it('notices edits that go back and forth', () => {
    const guard = new RepetitionGuard()
    const edit = (content: string) => ({ name: 'write', input: { content }, output: 'ok', changes: true })
    const seen = ['a', 'b', 'a', 'b', 'a'].map((content) => guard.note(edit(content)))
    expect(seen.at(-1)).toBe(true)
  })
})
