import { expect, it } from 'vitest'
import { fromJson } from '../../src/database/json.ts'
import { renewLeases } from '../../src/database/queries/heartbeat.ts'
import { changeTask, resetTasks } from '../../src/database/repositories/task-repository.ts'
import type { AttemptEnd } from '../../src/domain/attempt-end.ts'
import type { Database } from '../../src/database/connection.ts'
import type { ClaimedJob } from '../../src/database/queries/claim.ts'
import type { Attempt } from '../../src/execution/attempt.ts'
import { Journal } from '../../src/execution/journal.ts'
import { modelStep } from '../../src/execution/model-step.ts'
import type { ModelWish } from '../../src/models/model-chooser.ts'
import type { Provider } from '../../src/providers/provider.ts'
import { usualLimits } from '../support/attempts.ts'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../support/databases.ts'
import { eventKinds, storeRows } from '../support/job-rows.ts'
import { scriptedCalls } from '../support/scripted-calls.ts'
import { aScheduler, anEnd, claim, finish, pendingWork, settled } from '../support/scheduling.ts'

/** A zombie: its lease was lost, somebody else runs the job now. */
async function zombie(database: TestDatabase): Promise<readonly ClaimedJob[]> {
  await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
  const stale = await claim(database, { schedulerId: 'zombie', leaseMs: -1 })
  const { scheduler } = aScheduler(database, { deps: { execute: pendingWork().execute } })
  expect(await scheduler.tick()).toMatchObject({ rescued: 1, claimed: 1 })
  return stale
}

/** Everything that a stale attempt must not touch, its own history left out. */
async function everything({ db }: Database) {
  const [jobs, attempts, tasks, errands, locks, edges] = [
    await db.selectFrom('jobs').selectAll().orderBy('id').execute(),
    await db.selectFrom('attempts').selectAll().orderBy('number').execute(),
    await db.selectFrom('tasks').selectAll().orderBy('ordinal').execute(),
    await db.selectFrom('errands').selectAll().orderBy('id').execute(),
    await db.selectFrom('job_locks').selectAll().orderBy('name').execute(),
    await db.selectFrom('job_dependencies').selectAll().execute(),
  ]
  return { jobs, attempts, tasks, errands, locks, edges }
}

async function rejections(database: Database): Promise<readonly string[]> {
  const rows = await database.db.selectFrom('job_events').select(['kind', 'data']).orderBy('id').execute()
  return rows.filter(({ kind }) => kind === 'rejected_write').map(({ data }) => fromJson<{ verb: string }>(data).verb)
}

/** The journal of a zombie that has one call in flight. */
async function staleJournal(database: TestDatabase) {
  const [claimed] = await zombie(database)
  if (claimed === undefined) throw new Error('nothing was claimed')
  const { job, project } = claimed
  const refused: string[] = []
  const attempt: Attempt = {
    job,
    project,
    number: job.attempt,
    try: job.try,
    schedulerId: 'zombie',
    signal: new AbortController().signal,
    lastFailure: null,
    onRefused: (reason) => void refused.push(reason),
  }
  const calls = scriptedCalls(database, temporaryDirectory())
  const journal = await Journal.open(calls, attempt)
  const spec = { taskOrdinal: 1, kind: 'model', name: 'llm', request: { prompt: 'hello' } } as const
  const place = journal.next(spec)
  if (place.kind !== 'open') throw new Error(`the place is ${place.kind}`)
  return { journal, place, spec, refused, calls }
}

type StaleJournal = Awaited<ReturnType<typeof staleJournal>>

/** Each verb of an attempt that is not an end: its name in the event, and how a worker does it. */
const verbs: readonly (readonly [title: string, verb: string, act: (stale: StaleJournal) => Promise<unknown>])[] = [
  [
    'starting an errand',
    'start',
    ({ journal, place }) =>
      journal.start('start', (trx, present, nowMs) => journal.writeStart(trx, place, { present, nowMs })),
  ],
  [
    'committing an errand',
    'errand',
    ({ journal, place }) => journal.commit(place.errand, { text: 'late' }, { fresh: true }),
  ],
  ['closing an errand', 'close', ({ journal, place }) => journal.close(place.errand, 'failed', 'server')],
  [
    'moving a task on',
    'errand',
    ({ journal, place }) =>
      journal.commit(
        place.errand,
        {},
        {
          fresh: true,
          also: (trx, _present, nowMs) =>
            changeTask(trx, { jobId: place.errand.jobId, ordinal: 1, state: 'completed', nowMs }),
        },
      ),
  ],
  [
    'expanding its tasks',
    'tasks',
    ({ journal, place }) =>
      journal.start('tasks', (trx, _present, nowMs) =>
        resetTasks(trx, place.errand.jobId, { tasks: [{ title: 't', description: 'd' }], nowMs }),
      ),
  ],
  [
    'recording the workspace',
    'baseline',
    ({ journal }) => journal.keepFirst('baseline', {}, async () => ({ 'a.txt': 'x' })),
  ],
]

describeEachDatabase('promise 2, fencing: a stale attempt', (open) => {
  it.each<[string, AttemptEnd]>([
    ['completing', anEnd()],
    ['failing', anEnd({ outcome: 'failed', state: 'failed' })],
    ['retrying', anEnd({ outcome: 'failed', state: 'ready', nextTry: true, again: { delayMs: 0 } })],
    ['waiting', anEnd({ outcome: 'wait', state: 'ready', waitsFor: 'rate', again: { untilMs: 9e12 } })],
    ['releasing', anEnd({ outcome: 'released', state: 'ready', interruption: true, again: { delayMs: 0 } })],
    ['cancelling', anEnd({ outcome: 'cancelled', state: 'cancelled' })],
  ])('changes nothing by %s, and leaves an event', async (_verb, end) => {
    const database = await open()
    const stale = await zombie(database)
    const before = await everything(database)
    expect(await finish(database, stale, end)).toMatchObject([{ accepted: false, released: [], skipped: [] }])
    expect(await everything(database)).toEqual(before)
    expect((await eventKinds(database)).at(-1)).toBe('a rejected_write')
  })

  it.each(verbs)('changes nothing by %s, leaves one event and is told to stop', async (_title, verb, act) => {
    const database = await open()
    const stale = await staleJournal(database)
    const before = await everything(database)
    await act(stale)
    expect(await everything(database)).toEqual(before)
    expect(await rejections(database)).toEqual([verb])
    expect(stale.refused).toEqual(['lost'])
  })

  it('books what it paid as stale, and its reservation is settled', async () => {
    const database = await open()
    const { journal, spec, calls } = await staleJournal(database)
    // Admitted while it still owned the job; the reply comes after somebody else took over.
    const { attempt, project_id: projectId } = await database.db
      .selectFrom('jobs')
      .select(['attempt', 'project_id'])
      .where('key', '=', 'a')
      .executeTakeFirstOrThrow()
    await database.db.updateTable('jobs').set({ attempt: 1 }).where('key', '=', 'a').execute()
    let stole = false
    const providers = {
      client: async (provider: Provider) => {
        const client = await calls.providers.client(provider)
        return {
          send: async (...sent: Parameters<typeof client.send>) => {
            await database.db.updateTable('jobs').set({ attempt }).where('key', '=', 'a').execute()
            stole = true
            return client.send(...sent)
          },
        }
      },
    }
    const paying = await Journal.open({ ...calls, providers }, journal.attempt)
    const choice = await calls.choose({} as ModelWish)
    const request = { system: '', messages: [], tools: [], schema: null, maxOutputTokens: 10 }
    const step = await modelStep(paying, { spec, request, choice, timeoutMs: 1000, jobLimits: usualLimits.job })
    expect([stole, step]).toEqual([true, { kind: 'ended', outcome: { kind: 'lost' } }])
    const usage = await database.db.selectFrom('model_usage').selectAll().execute()
    expect(usage).toMatchObject([{ outcome: 'stale', project_id: projectId, attempt: 1 }])
    const open1 = await database.db.selectFrom('reservations').select('id').where('settled_at', 'is', null).execute()
    expect(open1).toEqual([])
    expect(await rejections(database)).toEqual(['errand'])
  })

  it('cannot renew its lease', async () => {
    const database = await open()
    const [stale] = await zombie(database)
    const before = await everything(database)
    const key = { jobId: stale?.job.id ?? '', attempt: stale?.job.attempt ?? 0 }
    expect(await renewLeases(database.db, [key], { schedulerId: 'zombie', expiresAt: 9e12 })).toEqual([])
    expect(await everything(database)).toEqual(before)
  })

  it('is told to stop as soon as a renewal is refused', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const work = pendingWork()
    const { scheduler } = aScheduler(database, { deps: { execute: work.execute }, options: { leaseMs: 40 } })
    await scheduler.tick()
    // The look at held rows is done, and not due again for a second: the refused renewal comes first.
    await scheduler.tick()
    await database.db.updateTable('jobs').set({ attempt: 7, lease_owner: 'other' }).execute()
    await expect.poll(async () => (await scheduler.tick(), work.stops), { interval: 10 }).toEqual(['a lost'])
    expect(await rejections(database)).toEqual(['heartbeat'])
    await settled()
    await scheduler.tick()
    expect(scheduler.held.size).toBe(0)
    const [row] = await database.db.selectFrom('jobs').selectAll().execute()
    expect(row).toMatchObject({ state: 'running', attempt: 7, lease_owner: 'other' })
  })
})
