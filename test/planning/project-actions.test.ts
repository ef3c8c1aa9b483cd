import { expect, it } from 'vitest'
import { listEvents } from '../../src/database/repositories/event-repository.ts'
import { isApproved } from '../../src/domain/project.ts'
import { approveProject, cancelProject, pauseProject, resumeProject } from '../../src/planning/project-actions.ts'
import { storePlan } from '../../src/planning/store-plan.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { aJob, aPlan } from '../support/plan-builder.ts'
import { storeDepsFor } from '../support/store-deps.ts'

const plan = aPlan({ jobs: [aJob({ key: 'a' }), aJob({ key: 'b', dependsOn: ['a'] }), aJob({ key: 'c' })] })
const options = { workspace: '/w', approvedBy: null, onTakenSlug: 'refuse' } as const

describeEachDatabase('project actions', (open) => {
  it('approve binds the approval to the plan that was shown', async () => {
    const deps = storeDepsFor(await open())
    const { project } = await storePlan(deps, plan, options)
    await expect(approveProject(deps, 'sample', { planHash: 'other', approvedBy: 'mia' })).rejects.toMatchObject({
      code: 'ORCH_CONFLICT',
      message: expect.stringContaining('while you looked'),
    })
    const approval = { planHash: project.planHash, approvedBy: 'mia' }
    const approved = await approveProject(deps, 'sample', approval)
    expect(approved).toMatchObject({ changed: true, project: { status: 'active', approvedBy: 'mia' } })
    expect(isApproved(approved.project)).toBe(true)
    expect(await approveProject(deps, 'sample', approval)).toMatchObject({ changed: false })
  })

  it('approve refuses rows that were changed behind its back', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    const { project } = await storePlan(deps, plan, options)
    await database.db.updateTable('projects').set({ commands: '[["rm","-rf","/"]]' }).execute()
    await expect(
      approveProject(deps, 'sample', { planHash: project.planHash, approvedBy: 'mia' }),
    ).rejects.toMatchObject({ code: 'ORCH_CONFLICT', message: expect.stringContaining('outside of orch') })
  })

  it('pause and resume only what is approved, and say when nothing changed', async () => {
    const deps = storeDepsFor(await open())
    const { project } = await storePlan(deps, plan, options)
    await expect(pauseProject(deps, 'sample')).rejects.toMatchObject({ code: 'ORCH_CONFLICT' })
    await expect(resumeProject(deps, 'sample')).rejects.toMatchObject({ hint: expect.stringContaining('approve') })
    await approveProject(deps, 'sample', { planHash: project.planHash, approvedBy: 'mia' })
    expect(await pauseProject(deps, 'sample')).toMatchObject({ changed: true, project: { status: 'paused' } })
    expect(await pauseProject(deps, 'sample')).toMatchObject({ changed: false })
    expect(await resumeProject(deps, 'sample')).toMatchObject({ changed: true, project: { status: 'active' } })
  })

  it('cancel ends every open job and attempt, and stays', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    const { project } = await storePlan(deps, plan, { ...options, approvedBy: 'mia' })
    await database.db.updateTable('jobs').set({ state: 'completed' }).where('key', '=', 'a').execute()
    await database.db.updateTable('jobs').set({ state: 'running', attempt: 1 }).where('key', '=', 'b').execute()
    const running = await database.db.selectFrom('jobs').select('id').where('key', '=', 'b').executeTakeFirstOrThrow()
    const attempt = { job_id: running.id, number: 1, try: 1, scheduler_id: 's', started_at: 1, ended_at: null }
    await database.db
      .insertInto('attempts')
      .values({ ...attempt, outcome: null, error_class: null, error: null, evidence: null })
      .execute()
    const cancelled = await cancelProject(deps, 'sample', 'no longer needed')
    expect(cancelled).toMatchObject({ changed: true, project: { status: 'cancelled' } })
    expect([...cancelled.jobs].sort()).toEqual(['b', 'c'])
    const states = await database.db.selectFrom('jobs').select(['key', 'state']).orderBy('id').execute()
    expect(states.map(({ state }) => state)).toEqual(['completed', 'cancelled', 'cancelled'])
    const ended = await database.db.selectFrom('attempts').selectAll().executeTakeFirstOrThrow()
    expect(ended).toMatchObject({ outcome: 'cancelled', ended_at: expect.any(Number) })
    expect(await cancelProject(deps, 'sample', 'again')).toMatchObject({ changed: false, jobs: [] })
    await expect(resumeProject(deps, 'sample')).rejects.toMatchObject({ code: 'ORCH_CONFLICT' })
    const kinds = (await listEvents(database.db, { projectId: project.id })).map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['cancelled', 'cancelled', 'project.cancelled', 'project.stored'])
  })

  it('cancel, said again, ends what was retried since', async () => {
    const database = await open()
    const deps = storeDepsFor(database)
    const { project } = await storePlan(deps, plan, { ...options, approvedBy: 'mia' })
    await cancelProject(deps, 'sample', 'no longer needed')
    await database.db.updateTable('jobs').set({ state: 'ready' }).where('key', '=', 'a').execute()
    expect(await cancelProject(deps, 'sample', 'again')).toMatchObject({ changed: true, jobs: ['a'] })
    const left = await database.db.selectFrom('jobs').select('key').where('state', '<>', 'cancelled').execute()
    expect(left).toEqual([])
    const kinds = (await listEvents(database.db, { projectId: project.id })).map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'project.cancelled')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'cancelled')).toHaveLength(4)
  })

  it('names a near project', async () => {
    const deps = storeDepsFor(await open())
    await storePlan(deps, plan, options)
    await expect(pauseProject(deps, 'sampel')).rejects.toMatchObject({
      code: 'ORCH_NOT_FOUND',
      hint: expect.stringContaining('sample?'),
    })
  })
})
