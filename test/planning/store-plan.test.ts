import { expect, it } from 'vitest'
import { toJob } from '../../src/database/repositories/job-row.ts'
import { listEvents } from '../../src/database/repositories/event-repository.ts'
import type { TableName } from '../../src/database/tables.ts'
import { planHash } from '../../src/domain/plan-hash.ts'
import { isApproved } from '../../src/domain/project.ts'
import { storePlan, type StoreOptions } from '../../src/planning/store-plan.ts'
import { describeEachDatabase, type TestDatabase } from '../support/databases.ts'
import { aCommandJob, aJob, aPlan } from '../support/plan-builder.ts'
import { storeDepsFor } from '../support/store-deps.ts'

const draft: StoreOptions = { workspace: '/srv/sample', approvedBy: null, onTakenSlug: 'refuse' }

const diamond = aPlan({
  budgetMicroUsd: 5_000_000,
  commands: [['npm', 'test']],
  jobs: [
    aCommandJob({ key: 'setup', priority: 'low' }),
    aJob({ key: 'left', dependsOn: ['setup'], tasks: [{ title: 'One', description: 'First' }] }),
    aJob({ key: 'right', dependsOn: ['setup'], priority: 'high' }),
    aJob({ key: 'join', dependsOn: ['left', 'right'], priority: 'critical' }),
  ],
})

async function countRows(database: TestDatabase): Promise<Record<string, number>> {
  const tables: TableName[] = ['projects', 'jobs', 'job_dependencies', 'tasks', 'job_events']
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const row = await database.db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('rows'))
      .executeTakeFirst()
    counts[table] = Number(row?.rows)
  }
  return counts
}

describeEachDatabase('storePlan', (open) => {
  it('stores project, jobs, tasks, edges and one event', async () => {
    const database = await open()
    const { project, plan } = await storePlan(storeDepsFor(database), diamond, draft)
    expect(await countRows(database)).toEqual({ projects: 1, jobs: 4, job_dependencies: 4, tasks: 1, job_events: 1 })
    expect(project).toMatchObject({ slug: 'sample', status: 'draft', budgetMicroUsd: 5_000_000, approvedHash: null })
    expect(project.planHash).toBe(planHash({ ...diamond, workspace: '/srv/sample' }))
    expect(plan.workspace).toBe('/srv/sample')
    expect(await listEvents(database.db, { projectId: project.id })).toMatchObject([{ kind: 'project.stored' }])
  })

  it('gives every job its counter, state, inherited priority and path length', async () => {
    const database = await open()
    await storePlan(storeDepsFor(database), diamond, draft)
    const rows = await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()
    expect(rows.map(toJob)).toMatchObject([
      {
        key: 'setup',
        state: 'ready',
        blockedBy: 0,
        priority: 0,
        effectivePriority: 3,
        pathLength: 3,
        role: null,
        try: 1,
      },
      { key: 'left', state: 'blocked', blockedBy: 1, priority: 1, effectivePriority: 3, pathLength: 2, readyAt: null },
      { key: 'right', state: 'blocked', blockedBy: 1, priority: 2, effectivePriority: 3, pathLength: 2 },
      { key: 'join', state: 'blocked', blockedBy: 2, priority: 3, effectivePriority: 3, pathLength: 1, maxTries: 3 },
    ])
    expect(rows.map(toJob).map((job) => job.plan)).toEqual(diamond.jobs)
  })

  it('stores an approved plan as active, bound to its hash', async () => {
    const { project } = await storePlan(storeDepsFor(await open()), diamond, { ...draft, approvedBy: 'mia' })
    expect(project).toMatchObject({ status: 'active', approvedBy: 'mia' })
    expect(isApproved(project)).toBe(true)
  })

  it('leaves no row behind when something fails in the middle', async () => {
    const database = await open()
    // The last job breaks the unique key, after everything before it was inserted.
    const broken = {
      ...diamond,
      jobs: [...diamond.jobs, ...Array.from({ length: 700 }, (_, n) => aJob({ key: `n${n}` })), aJob({ key: 'setup' })],
    }
    await expect(storePlan(storeDepsFor(database), broken, draft)).rejects.toThrow(/unique/i)
    expect(await countRows(database)).toEqual({ projects: 0, jobs: 0, job_dependencies: 0, tasks: 0, job_events: 0 })
  })

  it('refuses a taken slug, or moves on to the next free one', async () => {
    const deps = storeDepsFor(await open())
    await storePlan(deps, diamond, draft)
    await expect(storePlan(deps, diamond, draft)).rejects.toMatchObject({
      code: 'ORCH_CONFLICT',
      hint: expect.stringContaining('--name'),
    })
    const second = await storePlan(deps, diamond, { ...draft, onTakenSlug: 'suffix' })
    const third = await storePlan(deps, diamond, { ...draft, onTakenSlug: 'suffix' })
    expect([second.project.slug, third.project.slug]).toEqual(['sample-2', 'sample-3'])
    expect(third.project.planHash).toBe(planHash(third.plan))
  })

  it('names the missing tables, and does without tasks and job_events', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    await database.db.schema.dropTable('tasks').execute()
    await database.db.schema.dropTable('job_events').execute()
    await storePlan(deps, diamond, draft)
    await database.db.schema.dropTable('jobs').execute()
    deps.tables.refresh()
    await expect(storePlan(deps, diamond, draft)).rejects.toMatchObject({
      code: 'ORCH_TABLE_MISSING',
      message: expect.stringContaining('jobs'),
    })
  })

  it('hashes what the database gives back, whatever the text held', async () => {
    const database = await open()
    const odd = aPlan({ goal: 'a\0b\ud800c \\u0000', jobs: [aJob({ title: 'x\0y \\u0000', description: '\udfff' })] })
    const { project, plan } = await storePlan(storeDepsFor(database), odd, draft)
    const row = await database.db.selectFrom('projects').selectAll().executeTakeFirstOrThrow()
    const jobs = (await database.db.selectFrom('jobs').selectAll().execute()).map(toJob)
    expect(row.goal).toBe('a\ufffdb\ufffdc \\u0000')
    expect(planHash({ ...plan, goal: row.goal, jobs: jobs.map((job) => job.plan) })).toBe(project.planHash)
  })

  it('stores ten thousand jobs', async () => {
    const database = await open()
    const jobs = Array.from({ length: 10_000 }, (_, n) =>
      aJob({ key: `job-${n}`, dependsOn: n < 100 ? [] : [`job-${n - 100}`, `job-${n - 99}`] }),
    )
    await storePlan(storeDepsFor(database), aPlan({ jobs }), draft)
    expect(await countRows(database)).toMatchObject({ jobs: 10_000, job_dependencies: 19_800 })
  })
})
