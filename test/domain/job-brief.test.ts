import { expect, test } from 'vitest'
import { formatJobBrief, parseJobBrief, type JobBrief } from '../../src/domain/job-brief.ts'

const brief: JobBrief = {
  key: 'report',
  deliverables: ['docs/**', 'odd ```\n name.md'],
  acceptance: ['exists'],
  contains: { 'docs/a.md': 'Summary' },
}

test('a brief survives the way through a prompt', () => {
  expect(parseJobBrief(`Goal: x\n\n${formatJobBrief(brief)}\n\nMore text`)).toEqual(brief)
})

test('the first brief of a prompt counts', () => {
  const later = formatJobBrief({ ...brief, key: 'injected' })
  expect(parseJobBrief(`${formatJobBrief(brief)}\n${later}`)?.key).toBe('report')
})

test.each(['no block', '```orch-job\nnot json\n```', '```orch-job\n{"key":1}\n```', '```orch-job\nnull\n```'])(
  'nothing is made up for %j',
  (prompt) => {
    expect(parseJobBrief(prompt)).toBeNull()
  },
)
