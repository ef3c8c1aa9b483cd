import { expect, it } from 'vitest'
import { listEvents } from '../../src/database/repositories/event-repository.ts'
import { toJob } from '../../src/database/repositories/job-row.ts'
import type { JobState } from '../../src/domain/job-state.ts'
import { planHash } from '../../src/domain/plan-hash.ts'
import type { Plan, PlannedJob } from '../../src/domain/plan.ts'
import { applyPlan } from '../../src/planning/apply-plan.ts'
import { parsePlanFile, serializePlan } from '../../src/planning/plan-file.ts'
import { readStoredPlan, requireProject } from '../../src/planning/stored-plan.ts'
import { describeEachDatabase, type TestDatabase } from '../support/databases.ts'
import { aJob, aPlan } from '../support/plan-builder.ts'
import { storeDepsFor } from '../support/store-deps.ts'

const draft = { workspace: '/srv/sample', approvedBy: null }
const approved = { ...draft, approvedBy: 'mia' }
const chain = aPlan({
  jobs: [aJob({ key: 'a' }), aJob({ key: 'b', dependsOn: ['a'] }), aJob({ key: 'c', dependsOn: ['b'] })],
})

const withJobs = (...jobs: PlannedJob[]): Plan => ({ ...chain, jobs })

async function setState(database: TestDatabase, key: string, state: JobState): Promise<void> {
  await database.db.updateTable('jobs').set({ state }).where('key', '=', key).execute()
}

async function statesOf(database: TestDatabase): Promise<Record<string, JobState>> {
  const rows = await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()
  return Object.fromEntries(rows.map(toJob).map((job) => [job.key, job.state]))
}

async function jobOf(database: TestDatabase, key: string) {
  return toJob(await database.db.selectFrom('jobs').selectAll().where('key', '=', key).executeTakeFirstOrThrow())
}

describeEachDatabase('applyPlan', (open) => {
  it('makes a project of a plan that has none', async () => {
    const database = await open()
    expect(await applyPlan(storeDepsFor(database), chain, draft)).toMatchObject({
      kind: 'created',
      project: { status: 'draft' },
    })
    expect(await statesOf(database)).toEqual({ a: 'ready', b: 'blocked', c: 'blocked' })
  })

  it('changes nothing the second time, and keeps the approval', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    const first = await applyPlan(deps, chain, approved)
    const before = await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()
    const second = await applyPlan(deps, chain, draft)
    expect(second).toEqual({ ...first, kind: 'unchanged' })
    expect(await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()).toEqual(before)
  })

  it('gives back an equal file after export, apply, export', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    await applyPlan(deps, chain, approved)
    const exported = async () =>
      serializePlan((await readStoredPlan(database.db, await requireProject(database.db, 'sample'))).plan)
    const first = await exported()
    const parsed = parsePlanFile(first)
    const plan = parsed.kind === 'plan' ? parsed.plan : chain
    expect(await applyPlan(deps, plan, draft)).toMatchObject({ kind: 'unchanged' })
    expect(await exported()).toBe(first)
  })

  it('makes a changed plan a draft again and counts the new dependencies', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    await applyPlan(deps, chain, approved)
    await setState(database, 'a', 'completed')
    await setState(database, 'b', 'ready')
    const applied = await applyPlan(
      deps,
      withJobs(
        aJob({ key: 'a' }),
        aJob({ key: 'b', dependsOn: ['a', 'new'] }),
        aJob({ key: 'c', dependsOn: ['a'], priority: 'critical' }),
        aJob({ key: 'new', title: 'New' }),
      ),
      draft,
    )
    expect(applied).toMatchObject({
      kind: 'changed',
      project: { status: 'draft', approvedHash: null },
      added: ['new'],
      changed: ['a', 'b', 'c'],
      removed: [],
    })
    expect(await statesOf(database)).toEqual({ a: 'completed', b: 'blocked', c: 'ready', new: 'ready' })
    expect(await jobOf(database, 'b')).toMatchObject({ blockedBy: 1, pathLength: 1 })
    expect(await jobOf(database, 'a')).toMatchObject({ effectivePriority: 3 })
    const edges = await database.db.selectFrom('job_dependencies').selectAll().execute()
    expect(edges).toHaveLength(3)
  })

  it('lets running and ended jobs be, and says that their new text changes nothing', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    await applyPlan(deps, chain, approved)
    await setState(database, 'a', 'running')
    const changed = withJobs(aJob({ key: 'a', title: 'Other' }), ...chain.jobs.slice(1))
    expect(await applyPlan(deps, changed, approved)).toMatchObject({
      keptAsTheyWere: ['a'],
      project: { status: 'active' },
    })
    expect(await jobOf(database, 'a')).toMatchObject({ state: 'running', title: 'Other' })
  })

  it('cancels what the plan no longer has as superseded, whatever its state, and keeps what was finished', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    const plan = withJobs(...['done', 'runs', 'waits', 'broke', 'stays'].map((key) => aJob({ key })))
    await applyPlan(deps, plan, approved)
    await setState(database, 'done', 'completed')
    await setState(database, 'runs', 'running')
    await setState(database, 'broke', 'failed')
    const applied = await applyPlan(deps, withJobs(aJob({ key: 'stays' })), draft)
    expect(applied).toMatchObject({ removed: ['done', 'runs', 'waits', 'broke'] })
    expect(await statesOf(database)).toEqual({
      done: 'completed',
      runs: 'cancelled',
      waits: 'cancelled',
      broke: 'cancelled',
      stays: 'ready',
    })
    expect(await jobOf(database, 'waits')).toMatchObject({ error: { errorClass: 'superseded' } })
    const { plan: stored } = await readStoredPlan(database.db, applied.project)
    expect(stored.jobs.map(({ key }) => key)).toEqual(['stays'])
    expect(planHash(stored)).toBe(applied.project.planHash)
    const events = await listEvents(database.db, { projectId: applied.project.id })
    expect(events.filter(({ kind }) => kind === 'cancelled').map(({ data }) => data)).toEqual(
      Array.from({ length: 3 }, () => ({ reason: 'superseded' })),
    )
  })

  it('brings a job back that returns to the plan, with its id', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    await applyPlan(deps, chain, approved)
    const { id } = await jobOf(database, 'c')
    await applyPlan(deps, withJobs(...chain.jobs.slice(0, 2)), draft)
    await applyPlan(deps, chain, draft)
    expect(await jobOf(database, 'c')).toMatchObject({
      id,
      state: 'blocked',
      blockedBy: 1,
      error: null,
      finishedAt: null,
    })
  })

  it('skips what now stands behind a failed job, and frees what no longer does', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    await applyPlan(deps, chain, approved)
    await setState(database, 'a', 'failed')
    await setState(database, 'b', 'skipped')
    await setState(database, 'c', 'skipped')
    const { id } = await jobOf(database, 'a')
    await applyPlan(
      deps,
      withJobs(
        aJob({ key: 'a' }),
        aJob({ key: 'b', dependsOn: ['a'] }),
        aJob({ key: 'c' }),
        aJob({ key: 'd', dependsOn: ['b'] }),
      ),
      draft,
    )
    expect(await statesOf(database)).toEqual({ a: 'failed', b: 'skipped', c: 'ready', d: 'skipped' })
    expect(await jobOf(database, 'd')).toMatchObject({ skippedBecause: id })
  })

  it('takes new estimates without touching the approval', async () => {
    const deps = storeDepsFor(await open())
    await applyPlan(deps, chain, approved)
    const estimated = chain.jobs.map((job) => ({ ...job, estimate: { inputTokens: 1, outputTokens: 1 } }))
    expect(await applyPlan(deps, { ...chain, jobs: estimated }, draft)).toMatchObject({
      kind: 'unchanged',
      project: { status: 'active', approvedBy: 'mia' },
    })
  })

  it('refuses a cancelled project', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    await applyPlan(deps, chain, draft)
    await database.db.updateTable('projects').set({ status: 'cancelled' }).execute()
    await expect(applyPlan(deps, chain, draft)).rejects.toMatchObject({ code: 'ORCH_CONFLICT' })
  })
})
