import { describe, expect, test } from 'vitest'
import { formatJobBrief, type JobBrief } from '../../../src/domain/job-brief.ts'
import { planSchemaName } from '../../../src/domain/plan.ts'
import { createRehearsalClient } from '../../../src/providers/kinds/rehearsal.ts'
import type { ChatMessage, ModelCall, ToolSpec } from '../../../src/providers/model-client.ts'
import {
  rehearsalAddress,
  rehearsalSettings,
  type RehearsalSettings,
} from '../../../src/providers/rehearsal-settings.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const tool = (name: string, properties: object, required: readonly string[]): ToolSpec => ({
  name,
  description: name,
  parameters: { type: 'object', properties, required },
})
const write = tool('write', { path: { type: 'string' }, content: { type: 'string' } }, ['path', 'content'])
const submit = tool('submit', { summary: { type: 'string' }, claims: { type: 'array', items: { type: 'string' } } }, [
  'summary',
  'claims',
])
const brief: JobBrief = {
  key: 'report',
  deliverables: ['docs/report.md', 'src/**', 'data/*.json'],
  acceptance: ['exists', 'mentions'],
  contains: { 'docs/report.md': 'Summary' },
}
const call: ModelCall = {
  modelId: 'simulated',
  system: '',
  messages: [{ role: 'user', text: `Do it.\n\n${formatJobBrief(brief)}` }],
  tools: [],
  schema: null,
  maxOutputTokens: 100,
}

function client(settings: Partial<RehearsalSettings> = {}, clock = new FakeClock({ instant: true })) {
  const rehearsal = createRehearsalClient({ providerId: 'rehearsal', address: rehearsalAddress(settings), clock })
  return (changes: Partial<ModelCall> = {}, signal = new AbortController().signal) =>
    rehearsal.send({ ...call, ...changes }, { signal, timeoutMs: 60_000 })
}

test('its settings survive the way through an address', () => {
  const settings = { seed: 7, latencyMs: 50, failureRate: 0.25 }
  expect(rehearsalSettings(rehearsalAddress(settings))).toEqual(settings)
})

describe('an agent', () => {
  test('writes every deliverable, then submits with the ids it was given', async () => {
    const send = client()
    const first = await send({ tools: [write, submit] })
    const inputs = first.toolCalls.map(({ input }) => input as { path: string; content: string })
    expect(inputs.map(({ path }) => path)).toEqual(['docs/report.md', 'src/rehearsal.md', 'data/rehearsal.json'])
    for (const { content } of inputs) expect(content.toLowerCase()).toContain('rehearsal')
    expect(inputs[0]?.content).toContain('Summary')
    expect(JSON.parse(inputs[2]?.content ?? '')).toMatchObject({ rehearsal: true })

    const messages: ChatMessage[] = [...call.messages, { role: 'assistant', text: '', toolCalls: first.toolCalls }]
    const second = await send({ tools: [write, submit], messages })
    expect(second.toolCalls).toMatchObject([{ name: 'submit', input: { claims: ['exists', 'mentions'] } }])
    expect(JSON.stringify(second.toolCalls)).toContain('rehearsal')
  })

  test('submits at once where it has nothing to write with', async () => {
    expect((await client()({ tools: [submit] })).toolCalls.map(({ name }) => name)).toEqual(['submit'])
  })

  test('changes its files in a later try', async () => {
    const clock = new FakeClock({ instant: true })
    const send = client({ latencyMs: 5 }, clock)
    const [one, two] = [await send({ tools: [write] }), await send({ tools: [write] })]
    expect(one.toolCalls[0]?.input).not.toEqual(two.toolCalls[0]?.input)
  })
})

test('one call gets a text that says what it is', async () => {
  const reply = await client()()
  expect(reply).toMatchObject({ finish: 'stop', toolCalls: [] })
  expect(reply.text).toContain('rehearsal')
})

test('a schema gets a value that fits it', async () => {
  const schema = {
    type: 'object',
    properties: {
      kind: { enum: ['b', 'a'] },
      count: { type: 'integer', minimum: 3 },
      tags: { type: 'array', minItems: 2, items: { type: 'string', minLength: 3 } },
      inner: { $ref: '#/$defs/inner' },
      either: { anyOf: [{ type: 'null' }, { type: 'string' }] },
      optional: { type: 'string' },
    },
    required: ['kind', 'count', 'tags', 'inner', 'either'],
    $defs: { inner: { type: 'object', properties: { at: { type: 'string', format: 'date' } }, required: ['at'] } },
  }
  const reply = await client()({ schema: { name: 'answer', schema } })
  expect(JSON.parse(reply.text)).toEqual({
    kind: 'b',
    count: 3,
    tags: [expect.any(String), expect.any(String)],
    inner: { at: '2026-01-01' },
    either: null,
  })
})

test('it will not pretend to plan', async () => {
  const planning = client()({ schema: { name: planSchemaName, schema: {} } })
  await expect(planning).rejects.toMatchObject({
    code: 'ORCH_NO_PROVIDER',
    hint: expect.stringContaining('--blueprint'),
  })
})

test('a seed repeats which calls fail, at about the asked rate', async () => {
  const run = async (seed: number) => {
    const send = client({ seed, failureRate: 0.3 })
    const outcomes: string[] = []
    for (let calls = 0; calls < 200; calls += 1) {
      outcomes.push(
        await send().then(
          () => 'ok',
          (error: { errorClass: string }) => error.errorClass,
        ),
      )
    }
    return outcomes
  }
  const first = await run(5)
  expect(await run(5)).toEqual(first)
  expect(await run(6)).not.toEqual(first)
  expect(first.filter((outcome) => outcome === 'server').length / 200).toBeCloseTo(0.3, 1)
})

test("its latency is the one it was given, and an abort ends it with the caller's reason", async () => {
  const clock = new FakeClock()
  const stop = new AbortController()
  const waiting = client({ latencyMs: 50 }, clock)({}, stop.signal)
  await clock.advance(49)
  stop.abort('cancelled')
  await expect(waiting).rejects.toBe('cancelled')
  expect(clock.sleeps).toEqual([50])
})
