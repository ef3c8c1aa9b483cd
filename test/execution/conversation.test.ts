import { describe, expect, it } from 'vitest'
import { fitConversation } from '../../src/execution/conversation.ts'
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
