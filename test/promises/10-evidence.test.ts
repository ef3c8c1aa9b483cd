/** Six workers that lie and six that do not: no verdict follows from what they say. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { PlannedJob } from '../../src/domain/plan.ts'
import { aScene, runOnce, submit, turnOf, useTools } from '../support/attempts.ts'
import { describeSqlite } from '../support/databases.ts'
import { aReply, type Script } from '../support/scripted-calls.ts'

interface Worker {
  readonly name: string
  readonly job: Partial<PlannedJob>
  /** Files before the job. */
  readonly files?: Readonly<Record<string, string>>
  readonly script?: Script
}

const claims = ['a', 'b', 'c']
const passes = ['node', '-e', 'process.exit(fs.readFileSync("sum.js", "utf8").includes("a + b") ? 0 : 1)'] as const
const testCheck = [{ id: 'a', check: 'command', run: passes, timeoutMs: 10_000 }] as const
const shape = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] }

const turns =
  (...replies: readonly ReturnType<typeof aReply>[]): Script =>
  (call) =>
    replies[turnOf(call)] ?? submit('done', claims)

const liars: readonly Worker[] = [
  {
    name: 'claims a file it never wrote',
    job: { executor: 'agent', deliverables: ['report.md'] },
    script: turns(submit('I wrote report.md', claims)),
  },
  {
    name: 'leaves the file as it was',
    job: { executor: 'agent', deliverables: ['report.md'] },
    files: { 'report.md': 'old' },
    script: turns(useTools(['write', { path: 'report.md', content: 'old' }]), submit('rewritten', claims)),
  },
  {
    name: 'writes a file without what it must contain',
    job: {
      executor: 'agent',
      acceptance: [{ id: 'a', check: 'file', path: 'api.md', contains: 'Pagination', changed: true }],
    },
    script: turns(useTools(['write', { path: 'api.md', content: 'TODO' }]), submit('Pagination is documented', claims)),
  },
  {
    name: 'says that the tests pass',
    job: { executor: 'agent', acceptance: testCheck },
    script: turns(useTools(['write', { path: 'sum.js', content: 'a - b' }]), submit('All tests pass', claims)),
  },
  {
    name: 'replies with JSON of another shape',
    job: { executor: 'llm', acceptance: [{ id: 'a', check: 'schema', path: null, schema: shape }] },
    script: () => aReply({ text: '{"status": "complete", "valid": true}' }),
  },
  {
    name: 'exits with 0 without making what it should',
    job: {
      executor: 'command',
      role: null,
      run: ['node', '-e', 'console.log("built dist/app.js")'],
      deliverables: ['dist/app.js'],
    },
  },
]

const honest: readonly Worker[] = [
  {
    name: 'writes the file and claims nothing',
    job: { executor: 'agent', deliverables: ['report.md'] },
    script: turns(useTools(['write', { path: 'report.md', content: 'new' }]), submit('wrote it')),
  },
  {
    name: 'changes one of several files',
    job: { executor: 'agent', deliverables: ['docs/**'] },
    files: { 'docs/a.md': 'a', 'docs/b.md': 'b' },
    script: turns(useTools(['edit', { path: 'docs/b.md', find: 'b', replace: 'better' }]), submit('improved b')),
  },
  {
    name: 'writes what the file must contain',
    job: {
      executor: 'agent',
      acceptance: [{ id: 'a', check: 'file', path: 'api.md', contains: 'Pagination', changed: true }],
    },
    script: turns(useTools(['write', { path: 'api.md', content: '## Pagination' }]), submit('documented')),
  },
  {
    name: 'makes the tests pass',
    job: { executor: 'agent', acceptance: testCheck },
    script: turns(useTools(['write', { path: 'sum.js', content: 'a + b' }]), submit('not sure it works')),
  },
  {
    name: 'replies with JSON of the shape',
    job: { executor: 'llm', acceptance: [{ id: 'a', check: 'schema', path: null, schema: shape }] },
    script: () => aReply({ text: '{"total": 12}' }),
  },
  {
    name: 'builds what it should',
    job: {
      executor: 'command',
      role: null,
      run: ['node', '-e', 'fs.mkdirSync("dist"); fs.writeFileSync("dist/app.js", "1")'],
      deliverables: ['dist/app.js'],
    },
  },
]

describeSqlite('promise 10: evidence', (open) => {
  async function verdictOn({ job, files = {}, script }: Worker) {
    const scene = await aScene(await open(), job)
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(scene.workspace, path)), { recursive: true })
      writeFileSync(join(scene.workspace, path), content)
    }
    return (await runOnce(scene, script === undefined ? {} : { script })).outcome
  }

  it.each(liars)('a worker that $name fails', async (worker) => {
    const outcome = await verdictOn(worker)
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'evidence' } })
    expect(outcome.kind === 'failed' && outcome.failure.evidence.some(({ passed }) => !passed)).toBe(true)
  })

  it.each(honest)('a worker that $name completes', async (worker) => {
    expect(await verdictOn(worker)).toMatchObject({ kind: 'completed' })
  })
})
