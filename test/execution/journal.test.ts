import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { executeAttempt } from '../../src/execution/execute-attempt.ts'
import type { Outcome } from '../../src/execution/attempt.ts'
import type { PlannedJob } from '../../src/domain/plan.ts'
import {
  aScene,
  claimAttempt,
  executionDeps,
  rescue,
  runOnce,
  submit,
  turnOf,
  useTools,
  type Scene,
} from '../support/attempts.ts'
import { describeEachDatabase, describeSqlite } from '../support/databases.ts'
import { Death, Mortal } from '../support/mortal.ts'
import { aFailure, aReply, scriptedCalls, type Script } from '../support/scripted-calls.ts'

const note: Partial<PlannedJob> = { executor: 'agent', deliverables: ['note.md'] }

/** Writes, then appends by an exact edit, then submits: doing the edit twice would show. */
const writeEditSubmit: Script = (call) =>
  [
    useTools(['write', { path: 'note.md', content: 'one\n' }]),
    useTools(['edit', { path: 'note.md', find: 'one\n', replace: 'one\none\n' }]),
    submit(),
  ][turnOf(call)] ?? aReply()

/** Runs attempts, each as a process of its own, until one ends; the first dies at its n-th effect. */
async function runDying(scene: Scene, dieAt: number, script: Script) {
  const turns: number[] = []
  const counted: Script = (call, turn) => {
    turns.push(turnOf(call))
    return script(call, turn)
  }
  for (let attempts = 1; ; attempts++) {
    const mortal = new Mortal(attempts === 1 ? dieAt : 0)
    const attempt = await claimAttempt(scene)
    const calls = scriptedCalls(mortal.database(scene.database), scene.spoolDir, { script: counted })
    const deps = executionDeps({ ...calls, providers: mortal.clients(calls.providers) })
    const outcome = await executeAttempt(deps, attempt).catch((error: unknown) => {
      if (error instanceof Death) return null
      throw error
    })
    if (!mortal.dead && outcome !== null) return { outcome, attempts, turns, effects: mortal.effects }
    await rescue(scene)
  }
}

async function ledgerOf({ database, slug }: Scene) {
  const usage = await database.db.selectFrom('model_usage').selectAll().where('project_id', '=', slug).execute()
  const open = await database.db
    .selectFrom('reservations')
    .selectAll()
    .where('project_id', '=', slug)
    .where('settled_at', 'is', null)
    .execute()
  return { usage, open }
}

describeEachDatabase('the journal', (open) => {
  it('repeats no committed errand, whichever effect the process died at', async () => {
    const database = await open()
    const whole = await runDying(await aScene(database, note), 0, writeEditSubmit)
    expect(whole.turns).toEqual([0, 1, 2])
    for (let dieAt = 1; dieAt <= whole.effects; dieAt++) {
      const scene = await aScene(database, note)
      const { outcome, turns, attempts } = await runDying(scene, dieAt, writeEditSubmit)
      const text = readFileSync(join(scene.workspace, 'note.md'), 'utf8')
      const { usage, open: unsettled } = await ledgerOf(scene)
      expect({ dieAt, kind: outcome.kind, attempts, text }).toEqual({
        dieAt,
        kind: 'completed',
        attempts: 2,
        text: 'one\none\n',
      })
      // At most the one call in flight was asked twice. The ledger shows every purchase, and one that may have been.
      expect([3, 4]).toContain(turns.length)
      expect(new Set(turns).size).toBe(3)
      expect(usage.filter((row) => row.outcome === 'ok').length).toBe(3)
      const unknown = usage.filter((row) => row.outcome === 'unknown')
      expect(unknown.length).toBeLessThanOrEqual(1)
      expect(unknown.length).toBeGreaterThanOrEqual(turns.length - 3)
      expect(unsettled).toEqual([])
      expect(readdirSync(scene.spoolDir)).toEqual([])
    }
  }, 120_000)

  it('takes a reply that arrived from the spool instead of buying it again', async () => {
    const scene = await aScene(await open(), { executor: 'llm' })
    const attempt = await claimAttempt(scene)
    const calls = scriptedCalls(scene.database, scene.spoolDir)
    const commitFails = {
      ...scene.database,
      write: (work: Parameters<typeof scene.database.write>[0]) => {
        if (calls.sent.length > 0) throw new Death()
        return scene.database.write(work)
      },
    }
    const dying = executionDeps({ ...calls, database: commitFails as typeof scene.database })
    await expect(executeAttempt(dying, attempt)).rejects.toThrow(Death)
    await rescue(scene)
    const { outcome, calls: second } = await runOnce(scene)
    expect(outcome.kind).toBe('completed')
    expect(calls.sent).toHaveLength(1)
    expect(second.sent).toEqual([])
    const { usage, open: unsettled } = await ledgerOf(scene)
    expect(usage).toMatchObject([{ outcome: 'ok', cost_micro_usd: 120 }])
    expect(unsettled).toEqual([])
  })

  it('ends the try as diverged when the work asks for something else', async () => {
    const scene = await aScene(await open(), note)
    let died = false
    await runDyingOnce(scene, (call) => {
      if (turnOf(call) === 1) {
        died = true
        return new Death()
      }
      return writeEditSubmit(call, { number: 1, providerId: '', signal: new AbortController().signal })
    })
    expect(died).toBe(true)
    await scene.database.db
      .updateTable('projects')
      .set({ goal: 'Quite another goal' })
      .where('id', '=', scene.slug)
      .execute()
    const { outcome, calls } = await runOnce(scene, { script: writeEditSubmit })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'diverged' }, retryable: true })
    expect(calls.sent).toEqual([])
  })

  it('changes nothing but the ledger once somebody else owns the job', async () => {
    const scene = await aScene(await open(), note)
    const attempt = await claimAttempt(scene)
    const calls = scriptedCalls(scene.database, scene.spoolDir, {
      script: async () => {
        await rescue(scene)
        await claimAttempt(scene)
        return submit()
      },
    })
    const outcome: Outcome = await executeAttempt(executionDeps(calls), attempt)
    expect(outcome).toEqual({ kind: 'lost' })
    const { usage, open: unsettled } = await ledgerOf(scene)
    expect(usage).toMatchObject([{ outcome: 'stale', cost_micro_usd: 120 }])
    expect(unsettled).toEqual([])
    const errands = await scene.database.db
      .selectFrom('errands')
      .select(['name', 'status'])
      .orderBy('ordinal')
      .execute()
    expect(errands).toEqual([
      { name: 'baseline', status: 'done' },
      { name: 'agent', status: 'started' },
    ])
    const events = await scene.database.db.selectFrom('job_events').select('kind').execute()
    expect(events.map(({ kind }) => kind)).toContain('rejected_write')
  })

  it('sends nothing and touches no file for an attempt that lost its job before', async () => {
    const scene = await aScene(await open(), note)
    const attempt = await claimAttempt(scene)
    await rescue(scene)
    const calls = scriptedCalls(scene.database, scene.spoolDir, { script: writeEditSubmit })
    expect(await executeAttempt(executionDeps(calls), attempt)).toEqual({ kind: 'lost' })
    expect(calls.sent).toEqual([])
  })

  it('goes on after a wait without asking for anything again', async () => {
    const scene = await aScene(await open(), note)
    const first = await runOnce(scene, {
      script: (call, turn) =>
        turnOf(call) === 2 ? aFailure('rate', { retryAfterMs: 90_000 }) : writeEditSubmit(call, turn),
    })
    expect(first.outcome).toMatchObject({ kind: 'wait', waitsFor: 'rate' })
    await rescue(scene)
    const second = await runOnce(scene, { script: writeEditSubmit })
    expect(second.outcome.kind).toBe('completed')
    expect(second.calls.sent).toHaveLength(1)
  })

  it('judges change against the state before the first try', async () => {
    const scene = await aScene(await open(), {
      ...note,
      acceptance: [{ id: 'a', check: 'file', path: 'note.md', contains: 'two', changed: true }],
    })
    const first = await runOnce(scene, { script: writeEditSubmit })
    expect(first.outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'evidence' } })
    await scene.database.db.updateTable('jobs').set({ try: 2 }).where('project_id', '=', scene.slug).execute()
    await rescue(scene)
    const second = await runOnce(scene, {
      script: (call) =>
        turnOf(call) === 0
          ? useTools(['edit', { path: 'note.md', find: 'one\none\n', replace: 'one\ntwo\n' }])
          : submit(),
    })
    expect(second.outcome.kind).toBe('completed')
  })
})

/** One attempt whose script may die. */
async function runDyingOnce(scene: Scene, script: (call: Parameters<Script>[0]) => ReturnType<Script>): Promise<void> {
  const mortal = new Mortal(0)
  const attempt = await claimAttempt(scene)
  const calls = scriptedCalls(mortal.database(scene.database), scene.spoolDir, {
    script: async (call) => {
      const answer = await script(call)
      if (answer instanceof Death) mortal.dead = true
      return answer
    },
  })
  await executeAttempt(executionDeps(calls), attempt).catch(() => {})
  await rescue(scene)
}

describeSqlite('an interrupted command', (open) => {
  const append = ['node', '-e', 'fs.appendFileSync("log.txt", "ran\\n")'] as const

  async function interrupted(job: Partial<PlannedJob>) {
    const scene = await aScene(await open(), {
      executor: 'command',
      role: null,
      run: append,
      writes: ['log.txt'],
      ...job,
    })
    const mortal = new Mortal(0)
    const attempt = await claimAttempt(scene)
    const calls = scriptedCalls(mortal.database(scene.database), scene.spoolDir)
    const deps = executionDeps(calls)
    const runCommand: typeof deps.runCommand = async (argv, options) => {
      await deps.runCommand(argv, options)
      return mortal.die()
    }
    await executeAttempt({ ...deps, runCommand }, attempt).catch(() => {})
    await rescue(scene)
    const { outcome } = await runOnce(scene)
    return { outcome, log: readFileSync(join(scene.workspace, 'log.txt'), 'utf8') }
  }

  it('ends the try, because nobody knows what it did', async () => {
    const { outcome, log } = await interrupted({})
    expect(outcome).toMatchObject({ kind: 'failed', failure: { errorClass: 'command' }, retryable: true })
    expect(log).toBe('ran\n')
  })

  it('runs again where the plan allows it', async () => {
    const { outcome, log } = await interrupted({ repeatable: true })
    expect(outcome.kind).toBe('completed')
    expect(log).toBe('ran\nran\n')
  })

  it('that ended before its commit is read from the spool', async () => {
    const scene = await aScene(await open(), { executor: 'command', role: null, run: append, writes: ['log.txt'] })
    const attempt = await claimAttempt(scene)
    const mortal = new Mortal(0)
    let ran = false
    const database = {
      ...scene.database,
      write: (work: Parameters<typeof scene.database.write>[0]) => {
        if (ran) mortal.die()
        return scene.database.write(work)
      },
    }
    const deps = executionDeps(scriptedCalls(database as typeof scene.database, scene.spoolDir))
    const runCommand: typeof deps.runCommand = async (argv, options) => {
      const result = await deps.runCommand(argv, options)
      ran = true
      return result
    }
    await executeAttempt({ ...deps, runCommand }, attempt).catch(() => {})
    await rescue(scene)
    expect((await runOnce(scene)).outcome.kind).toBe('completed')
    expect(readFileSync(join(scene.workspace, 'log.txt'), 'utf8')).toBe('ran\n')
  })
})
