import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { documentShapes } from '../../../src/cli/schema-catalog.ts'
import { temporaryDirectory } from '../../support/databases.ts'
import { documentOf, runOrch, type OrchResult } from '../../support/run-orch.ts'

const smallPlan = `version: 1
project: small
goal: Two jobs
jobs:
  - key: first
    title: First
    description: Does it.
    executor: command
    run: [node, -e, "0"]
  - key: second
    title: Second
    description: Does more.
    role: writer
    executor: llm
    depends_on: [first]
    deliverables: [out.md]
`

interface Place {
  readonly cwd: string
  orch(...argv: string[]): Promise<OrchResult>
  file(name: string, text: string | Buffer): string
}

async function aPlace({ migrated = true } = {}): Promise<Place> {
  const cwd = temporaryDirectory()
  const orch = (...argv: string[]) => runOrch(argv, { cwd })
  if (migrated) await orch('db', 'migrate')
  return {
    cwd,
    orch,
    file: (name, text) => {
      writeFileSync(join(cwd, name), text)
      return name
    },
  }
}

async function shaped(result: OrchResult): Promise<unknown> {
  expect(result.stderr).not.toContain('"kind":"error"')
  const document = documentOf(result)
  const shape = (await documentShapes()).get(document.kind)
  expect(shape?.safeParse(document).error?.issues ?? []).toEqual([])
  return document.data
}

describe('orch project plan', () => {
  it('stores a blueprint as a draft and names the next command', async () => {
    const { orch, cwd } = await aPlace()
    const result = await orch('project', 'plan', '--blueprint', 'repo-report')
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stdout).toContain('wave 1')
    expect(result.stdout).toMatch(/└─ readme .*Read the README +\(command\) +inventory/)
    expect(result.stdout).toContain('The approval covers:')
    expect(result.stderr).toContain('orch project approve repo-report')
    expect(existsSync(join(cwd, '.orch', 'workspace.json'))).toBe(true)
    const shown = await shaped(await orch('project', 'show', 'repo-report', '--json'))
    expect(shown).toMatchObject({ status: 'draft', approved: false, jobs: { ready: 1 } })
  })

  it('gives the next free name to a goal’s project, and refuses a taken --name', async () => {
    const { orch } = await aPlace()
    await orch('project', 'plan', '--blueprint', 'cli-tool')
    const second = await shaped(await orch('project', 'plan', '--blueprint', 'cli-tool', '--json'))
    expect(second).toMatchObject({ project: { slug: 'cli-tool-2', status: 'draft' } })
    const taken = await orch('project', 'plan', '--blueprint', 'cli-tool', '--name', 'cli-tool')
    expect(taken).toMatchObject({ exitCode: 5, stdout: '' })
    expect(taken.stderr).toContain('--name')
  })

  it('takes a plan from a file, with flags on top, and approves it in the same call', async () => {
    const { orch, file } = await aPlace()
    const result = await orch(
      'project',
      'plan',
      '--from',
      file('p.yaml', smallPlan),
      '--budget',
      '2.5',
      '--approve',
      '--json',
    )
    expect(await shaped(result)).toMatchObject({
      project: { slug: 'small', status: 'active', approved: true },
      plan: {
        budget: { microUsd: 2_500_000 },
        jobs: [
          { key: 'first', wave: 1, estimate: { cost: { microUsd: 0 }, model: null } },
          { key: 'second', wave: 2, estimate: { tokenSource: 'default' } },
        ],
        estimate: { waves: [['first'], ['second']], width: 1 },
        approvalCovers: { commands: [{ argv: ['node', '-e', '0'], usedBy: ['first'] }] },
      },
      planner: null,
    })
  })

  it('gives a plan without a budget the usual one of the settings', async () => {
    const { orch, file } = await aPlace()
    await orch('config', 'set', 'budget.project_usd', '4')
    const planned = await shaped(await orch('project', 'plan', '--blueprint', 'cli-tool', '--json'))
    expect(planned).toMatchObject({ plan: { budget: { microUsd: 4_000_000 } } })
    const own = await shaped(await orch('project', 'plan', '--blueprint', 'cli-tool', '--budget', '1', '--json'))
    expect(own).toMatchObject({ plan: { budget: { microUsd: 1_000_000 } } })
    const applied = await shaped(await orch('project', 'apply', file('p.yaml', smallPlan), '--json'))
    expect(applied).toMatchObject({ budget: { microUsd: 4_000_000 } })
  })

  it('shows with --dry-run and stores nothing, but writes --out', async () => {
    const { orch, cwd } = await aPlace()
    const result = await orch('project', 'plan', '--blueprint', 'rest-api', '--dry-run', '--out', 'plan.yaml')
    expect(result).toMatchObject({ exitCode: 0 })
    expect(await shaped(await orch('project', 'list', '--json'))).toEqual([])
    expect(readFileSync(join(cwd, 'plan.yaml'), 'utf8')).toContain('project: rest-api')
    expect(await orch('project', 'plan', '--blueprint', 'rest-api', '--out', 'plan.yaml')).toMatchObject({
      exitCode: 5,
    })
  })

  it('without tables makes the plan, keeps it as a file, and says how to go on', async () => {
    const { orch, cwd } = await aPlace({ migrated: false })
    const result = await orch('project', 'plan', '--blueprint', 'repo-report')
    expect(result).toMatchObject({ exitCode: 0 })
    const path = join(cwd, '.orch', 'plans', 'repo-report.yaml')
    expect(result.stderr).toContain('orch db migrate')
    expect(result.stderr).toContain(`orch project apply ${path}`)
    expect(await orch('db', 'migrate')).toMatchObject({ exitCode: 0 })
    const applied = await shaped(await orch('project', 'apply', path, '--json'))
    expect(applied).toMatchObject({ outcome: 'created', slug: 'repo-report' })
  })

  it.each([
    ['an empty goal', ['   '], 2, 'The goal is empty'],
    ['no goal', [], 2, 'The goal is empty'],
    ['a goal of 100 kB', ['x'.repeat(100_000)], 2, '--context'],
    ['a goal beside a file', ['g', '--from', 'p.yaml'], 2, 'not both'],
    ['a file and a blueprint', ['--from', 'p.yaml', '--blueprint', 'cli-tool'], 2, 'not both'],
    ['a model without a question', ['--blueprint', 'cli-tool', '--model', 'a/b'], 2, '--model'],
    ['a missing context file', ['g', '--context', 'nope.md'], 2, '--context nope.md does not exist'],
    ['a binary context file', ['g', '--context', 'binary'], 2, 'is not UTF-8 text'],
    ['a context file that is too large', ['g', '--context', 'large.txt'], 2, '256 KiB'],
    ['a folder as context', ['g', '--context', '.'], 2, 'is a directory'],
    ['a missing plan file', ['--from', 'nope.yaml'], 2, 'nope.yaml does not exist'],
    ['a workspace that is a file', ['--blueprint', 'cli-tool', '--workspace', 'binary'], 2, 'is not a directory'],
    ['a workspace that is missing', ['--blueprint', 'cli-tool', '--workspace', 'nope'], 2, 'does not exist'],
    ['an unknown blueprint', ['--blueprint', 'cli-tol'], 2, 'Did you mean cli-tool?'],
    ['a bad number', ['g', '--max-jobs', 'many'], 2, '--max-jobs'],
    ['a negative budget', ['g', '--budget', '-1'], 2, '--budget'],
    ['a bad name', ['g', '--name', 'A b'], 2, '--name'],
    ['more jobs than asked for', ['--blueprint', 'cli-tool', '--max-jobs', '2'], 8, 'too_many_jobs'],
    ['no provider', ['A goal'], 3, '--blueprint'],
  ])('refuses %s with one clear line', async (_name, argv, exitCode, message) => {
    const { orch, file, cwd } = await aPlace()
    file('binary', Buffer.from([0xff, 0xfe, 0]))
    file('large.txt', 'x'.repeat(300_000))
    const result = await orch('project', 'plan', ...argv)
    expect(result).toMatchObject({ exitCode, stdout: '' })
    expect(result.stderr).toContain(message)
    expect(result.stderr).not.toMatch(/^\s+at /m)
    expect(await shaped(await orch('project', 'list', '--json'))).toEqual([])
    expect(existsSync(join(cwd, '.orch', 'plans'))).toBe(false)
  })

  it('names every fault of a plan file with line, path, expected and found', async () => {
    const { orch, file } = await aPlace()
    const broken = smallPlan
      .replace('role: writer', 'role: writr')
      .replace('[first]', '[frist, second]')
      .replace('run: [node', 'rum: [node')
    const shape = await orch('project', 'plan', '--from', file('shape.yaml', broken))
    expect(shape).toMatchObject({ exitCode: 8, stdout: '' })
    expect(shape.stderr).toContain('line 9: jobs[0].rum (unknown_key)')
    const graph = await orch('project', 'plan', '--from', file('graph.yaml', broken.replace('rum:', 'run:')))
    expect(graph.stderr).toContain('line 13: jobs[1].role (unknown_role): no role writr; did you mean writer?')
    expect(graph.stderr).toContain('jobs[1].depends_on[0] (unknown_dependency): no job frist; did you mean first?')
    expect(graph.stderr).toContain('jobs[1].depends_on[1] (self_dependency)')
  })
})

describe('the life of a project', () => {
  it('goes from draft through approval, change, pause and resume to its end', async () => {
    const { orch, file } = await aPlace()
    expect(await shaped(await orch('project', 'apply', file('p.yaml', smallPlan), '--json'))).toMatchObject({
      outcome: 'created',
    })
    const approved = await orch('project', 'approve', 'small', '--json')
    expect(await shaped(approved)).toMatchObject({ status: 'active', changed: true, approvalCovers: { budget: null } })
    expect(await shaped(await orch('project', 'apply', 'p.yaml', '--json'))).toMatchObject({
      outcome: 'unchanged',
      status: 'active',
    })
    const edited = file('q.yaml', smallPlan.replace('Does more.', 'Does more and better.'))
    expect(await shaped(await orch('project', 'apply', edited, '--json'))).toMatchObject({
      outcome: 'changed',
      status: 'draft',
      changed: ['second'],
    })
    expect(await orch('project', 'pause', 'small')).toMatchObject({ exitCode: 5 })
    await orch('project', 'approve', 'small')
    expect(await shaped(await orch('project', 'pause', 'small', '--json'))).toMatchObject({ status: 'paused' })
    expect(await shaped(await orch('project', 'resume', 'small', '--json'))).toMatchObject({ status: 'active' })
    expect(await orch('project', 'cancel', 'small')).toMatchObject({ exitCode: 2 })
    const cancelled = await orch('project', 'cancel', 'small', '--yes', '--json')
    expect(await shaped(cancelled)).toMatchObject({ status: 'cancelled', cancelledJobs: ['first', 'second'] })
    expect(await shaped(await orch('project', 'list', '--json'))).toMatchObject([
      { slug: 'small', jobs: { cancelled: 2 } },
    ])
  })

  it('exports what applying leaves unchanged', async () => {
    const { orch, file, cwd } = await aPlace()
    await orch('project', 'apply', file('p.yaml', smallPlan))
    const { stdout } = await orch('project', 'export', 'small')
    file('again.yaml', stdout)
    expect(await shaped(await orch('project', 'apply', 'again.yaml', '--json'))).toMatchObject({ outcome: 'unchanged' })
    await shaped(await orch('project', 'export', 'small', '--out', 'new.yaml', '--json'))
    expect(readFileSync(join(cwd, 'new.yaml'), 'utf8')).toBe(stdout)
  })

  it('draws the graph, whatever the titles hold', async () => {
    const { orch, file } = await aPlace()
    const title = String.raw`title: 'First "] --> x; click \ <script>'`
    await orch('project', 'apply', file('p.yaml', smallPlan.replace('title: First', title)))
    const mermaid = await orch('project', 'graph', 'small')
    expect(mermaid.stdout).toContain('job0 --> job1')
    expect(mermaid.stdout).toMatch(
      /job0\["first<br>First #34;#93; --#62; x#59; click #92; #60;script#62;<br>command"\]/,
    )
    const dot = await orch('project', 'graph', 'small', '--format', 'dot')
    expect(dot.stdout).toContain(String.raw`"first" [label="first\nFirst \"] --> x; click \\ <script>\ncommand"];`)
    expect(dot.stdout).toContain('"first" -> "second";')
    await shaped(await orch('project', 'graph', 'small', '--json'))
    expect(await orch('project', 'graph', 'small', '--format', 'svg')).toMatchObject({ exitCode: 2 })
  })

  it('prints titles from files without control sequences', async () => {
    const { orch, file } = await aPlace()
    await orch(
      'project',
      'apply',
      file('p.yaml', smallPlan.replace('title: First', String.raw`title: "a\e[31mb\e]8;;x\a"`)),
    )
    const { stdout } = await orch('project', 'show', 'small')
    expect(stdout).toContain('ab')
    expect(stdout).not.toContain('\u001b')
  })

  it('names a near project', async () => {
    const { orch, file } = await aPlace()
    await orch('project', 'apply', file('p.yaml', smallPlan))
    const result = await orch('project', 'show', 'smal')
    expect(result).toMatchObject({ exitCode: 4, stdout: '' })
    expect(result.stderr).toContain('Did you mean small?')
  })
})

describe('without tables', () => {
  it.each([
    ['list', ['list'], 0],
    ['show', ['show', 'x'], 0],
    ['graph', ['graph', 'x'], 0],
    ['export', ['export', 'x'], 0],
    ['apply', ['apply', 'p.yaml'], 10],
    ['approve', ['approve', 'x'], 10],
    ['pause', ['pause', 'x'], 10],
    ['resume', ['resume', 'x'], 10],
    ['cancel', ['cancel', 'x', '--yes'], 10],
  ])('project %s works or names the missing table', async (_name, argv, exitCode) => {
    const { orch, file, cwd } = await aPlace({ migrated: false })
    file('p.yaml', smallPlan)
    mkdirSync(join(cwd, '.orch'))
    const result = await orch('project', ...argv)
    expect(result).toMatchObject({ exitCode })
    expect(result.stderr).toContain('projects')
    expect(result.stderr).toContain('orch db migrate')
    expect(readdirSync(join(cwd, '.orch'))).toEqual([])
  })
})
