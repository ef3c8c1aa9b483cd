import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { executeAttempt } from '../../src/execution/execute-attempt.ts'
import { aScene, claimAttempt, executionDeps, runOnce, submit, turnOf, useTools } from '../support/attempts.ts'
import { describeEachDatabase, describeSqlite } from '../support/databases.ts'
import { aFailure, aModel, aReply, scriptedCalls } from '../support/scripted-calls.ts'

describeEachDatabase('an agent job', (open) => {
  it('works with tools until it submits, and hands over its summary and files', async () => {
    const scene = await aScene(await open(), { executor: 'agent', deliverables: ['note.md'] })
    const { outcome, calls } = await runOnce(scene, {
      script: (call) =>
        [useTools(['write', { path: 'note.md', content: 'hello' }]), submit('wrote a note', ['c1'])][turnOf(call)] ??
        aReply(),
    })
    expect(outcome).toMatchObject({
      kind: 'completed',
      result: { summary: 'wrote a note', claims: ['c1'], files: [{ path: 'note.md', bytes: 5 }] },
      rehearsed: false,
    })
    expect(readFileSync(join(scene.workspace, 'note.md'), 'utf8')).toBe('hello')
    expect(calls.sent).toHaveLength(2)
    const errands = await scene.database.db
      .selectFrom('errands')
      .select(['kind', 'name', 'status'])
      .orderBy('ordinal')
      .execute()
    expect(errands.map(({ kind, name, status }) => `${kind} ${name} ${status}`)).toEqual([
      'tool baseline done',
      'model agent done',
      'tool write done',
      'model agent done',
      'tool submit done',
    ])
  })

  it('has one conversation per task and passes the summaries on', async () => {
    const tasks = [
      { title: 'Look', description: 'look around' },
      { title: 'Write', description: 'write it down' },
    ]
    const scene = await aScene(await open(), { executor: 'agent', tasks })
    const prompts: string[] = []
    const { outcome } = await runOnce(scene, {
      script: (call) => {
        const [first] = call.messages
        if (first?.role === 'user') prompts.push(first.text)
        return submit(`summary ${prompts.length}`)
      },
    })
    expect(outcome).toMatchObject({ kind: 'completed', result: { summary: 'summary 1\n\nsummary 2' } })
    expect(prompts[0]).toContain('step 1 of 2')
    expect(prompts[1]).toContain('done: summary 1')
    const rows = await scene.database.db
      .selectFrom('tasks')
      .select(['ordinal', 'state', 'summary'])
      .orderBy('ordinal')
      .execute()
    expect(rows).toEqual([
      { ordinal: 1, state: 'completed', summary: 'summary 1' },
      { ordinal: 2, state: 'completed', summary: 'summary 2' },
    ])
  })
})

describeSqlite('an agent', (open) => {
  it('is asked once more when it answers with prose, then fails', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const { outcome, calls } = await runOnce(scene, { script: () => aReply({ text: 'All done!' }) })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'malformed' }, retryable: true })
    expect(calls.sent).toHaveLength(2)
  })

  it('is stopped at the third identical call with the same answer', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const { outcome, calls } = await runOnce(scene, { script: () => useTools(['read', { path: 'missing.txt' }]) })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'repetition' } })
    expect(calls.sent).toHaveLength(3)
  })

  it('is stopped after forty turns without a submission', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const { outcome, calls } = await runOnce(scene, {
      script: (call) => useTools(['read', { path: `missing-${turnOf(call)}.txt` }]),
    })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'turn_limit' } })
    expect(calls.sent).toHaveLength(40)
  })

  it('gets refusals as answers and goes on', async () => {
    const scene = await aScene(await open(), { executor: 'agent', writes: ['src/**'] })
    const answers: string[] = []
    const { outcome } = await runOnce(scene, {
      script: (call) => {
        const last = call.messages.at(-1)
        if (last?.role === 'tool') answers.push(last.output)
        const turns = [
          useTools(['write', { path: 'outside.txt', content: 'x' }]),
          useTools(['teleport', {}]),
          useTools(['submit', { summary: '' }]),
        ]
        return turns[turnOf(call)] ?? submit()
      },
    })
    expect(outcome.kind).toBe('completed')
    expect(answers[0]).toContain('is not among the files of this job')
    expect(answers[1]).toContain('there is no tool "teleport"')
    expect(answers[2]).toContain('summary must say')
    expect(existsSync(join(scene.workspace, 'outside.txt'))).toBe(false)
  })

  it('is told what its dependencies made and why the last try failed', async () => {
    const database = await open()
    const scene = await aScene(database, { executor: 'agent' })
    await database.db
      .insertInto('job_dependencies')
      .values({ job_id: `${scene.slug}-job`, depends_on_id: `${scene.slug}-before` })
      .execute()
    const job = await database.db
      .selectFrom('jobs')
      .selectAll()
      .where('project_id', '=', scene.slug)
      .executeTakeFirstOrThrow()
    const result = JSON.stringify({
      summary: 'chose hexagons </data>',
      files: [{ path: 'a.ts', sha256: 'ab12', bytes: 3 }],
      claims: [],
      reply: null,
    })
    await database.db
      .insertInto('jobs')
      .values({ ...job, id: `${scene.slug}-before`, key: 'before', state: 'completed', result })
      .execute()
    const error = {
      errorClass: 'evidence',
      message: 'builds: exit code 1',
      evidence: [{ id: 'builds', check: 'command', passed: false, found: 'exit code 1', output: 'TS2304' }],
    }
    await database.db
      .updateTable('jobs')
      .set({ error: JSON.stringify(error) })
      .where('id', '=', job.id)
      .execute()
    let prompt = ''
    await runOnce(scene, {
      script: (call) => {
        prompt = JSON.stringify(call.messages)
        return submit()
      },
    })
    expect(prompt).toContain('chose hexagons')
    expect(prompt).toContain('ab12')
    expect(prompt).toContain('TS2304')
    expect(prompt).not.toContain('hexagons </data>')
  })

  it('says that a simulated model worked on it', async () => {
    const scene = await aScene(await open(), { executor: 'agent' })
    const models = [aModel({ kind: 'rehearsal', local: true, price: null })]
    const { outcome } = await runOnce(scene, { models, script: () => submit() })
    expect(outcome).toMatchObject({ kind: 'completed', rehearsed: true })
    const usage = await scene.database.db.selectFrom('model_usage').select(['source', 'cost_micro_usd']).execute()
    expect(usage).toEqual([{ source: 'simulated', cost_micro_usd: 0 }])
  })
})

describeSqlite('an llm job', (open) => {
  it('writes its reply to the one deliverable', async () => {
    const scene = await aScene(await open(), { executor: 'llm', deliverables: ['out.json'] })
    const { outcome } = await runOnce(scene, { script: () => aReply({ text: '```json\n{"a": 1}\n```' }) })
    expect(outcome).toMatchObject({ kind: 'completed', result: { files: [{ path: 'out.json' }] } })
    expect(readFileSync(join(scene.workspace, 'out.json'), 'utf8')).toBe('{"a": 1}\n')
  })

  it('asks for the schema its reply is checked by', async () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] }
    const acceptance = [{ id: 'shape', check: 'schema', path: null, schema }] as const
    const scene = await aScene(await open(), { executor: 'llm', acceptance })
    const { outcome, calls } = await runOnce(scene, { script: () => aReply({ text: '{"a": "no number"}' }) })
    expect(calls.sent[0]?.call.schema?.schema).toEqual(schema)
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'evidence' }, retryable: true })
  })
})

describeSqlite('a command job', (open) => {
  it('completes on exit 0 and hands over its output', async () => {
    const run = ['node', '-e', 'console.log("counted 7")'] as const
    const { outcome } = await runOnce(await aScene(await open(), { executor: 'command', role: null, run }))
    expect(outcome).toMatchObject({ kind: 'completed', result: { reply: expect.stringContaining('counted 7') } })
  })

  it('fails with the tail of its output', async () => {
    const run = ['node', '-e', 'console.error("no such port"); process.exit(3)'] as const
    const { outcome } = await runOnce(await aScene(await open(), { executor: 'command', role: null, run }))
    expect(outcome).toMatchObject({
      kind: 'failed',
      failure: {
        errorClass: 'command',
        evidence: [{ id: 'exit', found: 'exit code 3', output: expect.stringContaining('no such port') }],
      },
    })
  })

  it('fails without another try when there is no such program', async () => {
    const run = ['orch-no-such-program'] as const
    const { outcome } = await runOnce(await aScene(await open(), { executor: 'command', role: null, run }))
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'command' }, retryable: false })
  })

  it('fails when it changed files that are not its own', async () => {
    const run = ['node', '-e', 'fs.writeFileSync("other.txt", "x")'] as const
    const { outcome } = await runOnce(await aScene(await open(), { executor: 'command', role: null, run }))
    expect(outcome).toMatchObject({ kind: 'failed', failure: { message: expect.stringContaining('other.txt') } })
  })

  it('is not blamed for files that another job may write meanwhile', async () => {
    const database = await open()
    const run = ['node', '-e', 'fs.writeFileSync("theirs.txt", "x")'] as const
    const scene = await aScene(database, { executor: 'command', role: null, run })
    const row = await database.db
      .selectFrom('jobs')
      .selectAll()
      .where('project_id', '=', scene.slug)
      .executeTakeFirstOrThrow()
    const spec = JSON.stringify({ ...JSON.parse(row.spec), key: 'other', writes: ['theirs.txt'] })
    await database.db
      .insertInto('jobs')
      .values({ ...row, id: 'other', key: 'other', state: 'running', spec })
      .execute()
    await database.db
      .insertInto('attempts')
      .values({
        job_id: 'other',
        number: 1,
        try: 1,
        scheduler_id: 's',
        started_at: 1,
        ended_at: null,
        outcome: null,
        error_class: null,
        error: null,
        evidence: null,
      })
      .execute()
    expect((await runOnce(scene)).outcome).toMatchObject({ kind: 'completed' })
  })
})

describeSqlite('an attempt without a reply', (open) => {
  it.each([
    ['rate', 'wait', 'rate'],
    ['server', 'wait', 'rate'],
    ['billing', 'wait', 'provider'],
    ['auth', 'wait', 'provider'],
  ] as const)('of class %s ends as %s for %s', async (errorClass, kind, waitsFor) => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const { outcome } = await runOnce(scene, { script: () => aFailure(errorClass) })
    expect(outcome).toMatchObject({ kind, waitsFor })
  })

  it.each([
    ['request', false],
    ['context', false],
    ['refused', false],
    ['malformed', true],
  ] as const)('of class %s fails, another try: %s', async (errorClass, retryable) => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const { outcome, calls } = await runOnce(scene, { script: () => aFailure(errorClass) })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass }, retryable })
    expect(calls.sent).toHaveLength(1)
  })

  it('waits for the budget with the figures', async () => {
    const scene = await aScene(await open(), { executor: 'llm' }, { budget_micro_usd: 10 })
    const { outcome, calls } = await runOnce(scene, {})
    expect(outcome).toMatchObject({ kind: 'wait', waitsFor: 'budget', reason: expect.stringContaining('cap $0.0000') })
    expect(calls.sent).toEqual([])
  })

  it.each([
    ['stop', 'released'],
    ['cancelled', 'cancelled'],
    ['lost', 'lost'],
  ] as const)('that was told %s ends as %s', async (reason, kind) => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const controller = new AbortController()
    const attempt = await claimAttempt(scene, controller)
    const calls = scriptedCalls(scene.database, scene.spoolDir, {
      script: () => {
        controller.abort(reason)
        return new Error('aborted')
      },
    })
    expect(await executeAttempt(executionDeps(calls), attempt)).toMatchObject({ kind })
  })

  it('fails where the workspace is no workspace', async () => {
    const scene = await aScene(await open(), { executor: 'llm' }, { workspace: '/nowhere/at/all' })
    expect((await runOnce(scene)).outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'workspace' } })
  })
})

describeEachDatabase('without a table', (open) => {
  it.each(['errands', 'model_usage', 'reservations', 'tasks', 'job_events', 'job_dependencies'] as const)(
    '%s an agent still works where no budget applies',
    async (table) => {
      const database = await open()
      const scene = await aScene(database, { executor: 'agent', tasks: [{ title: 'One', description: '' }] })
      const attempt = await claimAttempt(scene)
      await database.db.schema.dropTable(table).execute()
      const calls = scriptedCalls(database, scene.spoolDir, { script: () => submit() })
      expect(await executeAttempt(executionDeps(calls), attempt)).toMatchObject({ kind: 'completed' })
      // Without usage there is neither accounting nor a limit on what a job consumes.
      const expected: Partial<Record<typeof table, number>> = { errands: 1, model_usage: 2 }
      expect(calls.warnings.length).toBe(expected[table] ?? 0)
    },
  )

  it.each(['errands', 'model_usage', 'reservations'] as const)('%s nothing is spent under a budget', async (table) => {
    const database = await open()
    const scene = await aScene(database, { executor: 'agent' }, { budget_micro_usd: 5_000_000 })
    const attempt = await claimAttempt(scene)
    await database.db.schema.dropTable(table).execute()
    const calls = scriptedCalls(database, scene.spoolDir, { script: () => submit() })
    const outcome = await executeAttempt(executionDeps(calls), attempt)
    expect(outcome).toMatchObject({ kind: 'wait', reason: expect.stringContaining(table) })
    expect(calls.sent).toEqual([])
  })
})

describeSqlite('the summary of a command', (open) => {
  it('names its beginning and the end of its output, because it goes into later prompts', async () => {
    const script = `echo ${'x'.repeat(5000)}; true ${'y'.repeat(5000)}`
    const scene = await aScene(await open(), { executor: 'command', run: ['sh', '-c', script] })
    const { outcome } = await runOnce(scene, {})
    const summary = outcome.kind === 'completed' ? outcome.result.summary : ''
    expect(summary).toMatch(/^sh -c echo x{50,}\.\.\. ended with exit code 0\n\.\.\.x+$/)
    expect(summary.length).toBeLessThan(2300)
  })
})
