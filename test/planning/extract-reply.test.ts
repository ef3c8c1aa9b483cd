import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extractReply } from '../../src/planning/extract-reply.ts'

const plan = { jobs: [{ key: 'a', title: 'Write {braces} and "quotes" and <think>', depends_on: [] }] }
const json = JSON.stringify(plan, null, 2)
const other = JSON.stringify({ jobs: [{ key: 'b' }] })

describe('extractReply', () => {
  it.each([
    ['bare JSON', json],
    ['a fence', `\`\`\`json\n${json}\n\`\`\``],
    ['prose before and after', `Here is {the plan} you asked for:\n${json}\nTell me if {x} should change.`],
    ['thinking first', `<think>maybe ${other} or not</think>\n${json}`],
    ['thinking whose opening tag was cut off', `maybe ${other} or not</think>\n${json}`],
    ['thinking with half a draft', `<thinking>{"jobs": [{"key"</thinking>${json}`],
    ['half a draft before a lone closing tag', `{"jobs": [{"key"</think>${json}`],
    ['trailing commas', json.replace('[]', '[],').replace(/\}\s*\]\s*\}$/, '},],}')],
    ['comments', json.replace('{', '{ // the plan\n /* all of it */')],
    ['the same document twice', `${json}\n\nFinal answer:\n\`\`\`json\n${json}\n\`\`\``],
    ['another object beside it', `{"confidence": 0.9}\n${json}`],
    ['a wrapper', `{"plan": ${json}}`],
    ['a byte order mark', `\ufeff${json}`],
  ])('reads %s', (_name, text) => {
    expect(extractReply(text)).toEqual({ kind: 'document', document: plan })
  })

  it('reads YAML in a fence', () => {
    const text = 'Here:\n```yaml\njobs:\n  - key: a\n```\n'
    expect(extractReply(text)).toEqual({ kind: 'document', document: { jobs: [{ key: 'a' }] } })
  })

  it('keeps raw line breaks inside strings', () => {
    expect(extractReply('{"jobs": [], "note": "a\nb\tc"}')).toMatchObject({ document: { note: 'a\nb\tc' } })
  })

  it.each([
    ['nothing', '', 'no_document'],
    ['a refusal', 'I cannot help with that.', 'no_document'],
    ['an object that is no plan', '{"error": "busy"}', 'no_document'],
    ['a reply cut in the middle', json.slice(0, json.length / 2), 'truncated'],
    ['a reply cut in a string', json.slice(0, json.indexOf('braces')), 'truncated'],
    ['a reply cut in a number', '{"jobs": [], "n": 1', 'truncated'],
    ['thinking that never ends', `<think>${json}`, 'truncated'],
    ['two different plans', `${json}\n${other}`, 'several_documents'],
    ['a whole plan and half of another', `${json}\n${other.slice(0, 12)}`, 'truncated'],
    ['a repeated key', '{"jobs": [], "jobs": [1]}', 'syntax'],
    ['a missing comma', '{"jobs": [] "a": 1}', 'syntax'],
    ['a bare word', '{"jobs": nope}', 'syntax'],
    ['100,000 brackets', `{"jobs": ${'['.repeat(100_000)}`, 'syntax'],
  ])('names the fault of %s', (_name, text, code) => {
    expect(extractReply(text)).toMatchObject({ kind: 'invalid', faults: [{ code }] })
  })

  it('reads any JSON document back as it is, whatever surrounds it', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', 'Sure! ', '```json\n'), (value, before) => {
        const text = `${before}{"jobs": ${value}}`
        expect(extractReply(text)).toEqual({ kind: 'document', document: { jobs: JSON.parse(value) } })
      }),
      { numRuns: 500 },
    )
  })

  it('never throws, and never takes a cut reply for a whole one', () => {
    fc.assert(
      fc.property(fc.nat(json.length - 1), (length) => {
        expect(extractReply(json.slice(0, length)).kind).toBe('invalid')
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void extractReply(text)))
  })
})
