import { describe, expect, it } from 'vitest'
import { cancelJobRow } from '../../src/database/queries/cancel-jobs.ts'
import { retryJobs } from '../../src/database/queries/retry-jobs.ts'
import { systemIds } from '../../src/runtime/ids.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { eventKinds, statesByKey, storeRows } from '../support/job-rows.ts'
import { aScheduler, claim, failedOutcome, pendingWork, settled } from '../support/scheduling.ts'

describeEachDatabase('one pass of the scheduler', (open) => {
  it('claims, starts, settles and hands on, and counts what it did', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const { scheduler } = aScheduler(database)
    expect(await scheduler.tick()).toMatchObject({ settled: 0, claimed: 1, running: 1 })
    await settled()
    expect(await scheduler.tick()).toMatchObject({ settled: 1, claimed: 1 })
    await settled()
    expect(await scheduler.tick()).toMatchObject({ settled: 1, claimed: 0, running: 0 })
    expect(await statesByKey(database)).toEqual({ a: 'completed', b: 'completed' })
    expect(await eventKinds(database)).toEqual(['a started', 'a completed', 'b started', 'b completed'])
  })

  it('never runs more at once than its concurrency', async () => {
    const database = await open()
    await storeRows(database, { jobs: ['a', 'b', 'c', 'd'].map((key) => ({ key })) })
    const work = pendingWork()
    const { scheduler } = aScheduler(database, { deps: { execute: work.execute }, options: { concurrency: 2 } })
    expect(await scheduler.tick()).toMatchObject({ claimed: 2, running: 2 })
    expect(await scheduler.tick()).toMatchObject({ claimed: 0, running: 2 })
    await work.end('a')
    expect(await scheduler.tick()).toMatchObject({ settled: 1, claimed: 1, running: 2 })
  })

  it('gives a try that failed another one with what went wrong, and fails after the last', async () => {
    const database = await open({ clock: new FakeClock({ instant: true }) })
    await storeRows(database, { jobs: [{ key: 'a', maxTries: 2 }] })
    const seen: (string | undefined)[] = []
    const { scheduler } = aScheduler(database, {
      deps: {
        execute: async (attempt) => {
          seen.push(`try ${attempt.try}, attempt ${attempt.number}, ${attempt.lastFailure?.message}`)
          return failedOutcome(true)
        },
      },
      options: { retryPolicy: { baseMs: 0, longestMs: 0 } },
    })
    for (let pass = 0; pass < 4; pass++) {
      await scheduler.tick()
      await settled()
    }
    expect(seen).toEqual(['try 1, attempt 1, undefined', 'try 2, attempt 2, no file'])
    expect(await statesByKey(database)).toEqual({ a: 'failed' })
  })

  it('turns what the work throws into a failed try', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a', maxTries: 1 }] })
    const execute = () => Promise.reject(new TypeError('a bug'))
    const { scheduler } = aScheduler(database, { deps: { execute } })
    await scheduler.tick()
    await settled()
    await scheduler.tick()
    const row = await database.db.selectFrom('jobs').select(['state', 'error']).executeTakeFirstOrThrow()
    expect(row.state).toBe('failed')
    expect(row.error).toContain('a bug')
  })

  it('stops work that somebody cancelled, and gives its locks back', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'a', locks: ['port'] },
        { key: 'b', dependsOn: ['a'] },
      ],
    })
    const work = pendingWork()
    const { scheduler } = aScheduler(database, { deps: { execute: work.execute } })
    await scheduler.tick()
    const other = await database.connect()
    await cancelJobRow(other, { jobId: 'sample-a', reason: 'person', ids: systemIds, hasEventTable: true })
    expect(await database.db.selectFrom('job_locks').select('name').execute()).toHaveLength(1)
    // The scheduler looks at most once a second; waiting for that is the point here.
    await expect.poll(async () => (await scheduler.tick(), work.stops), { timeout: 5000 }).toEqual(['a cancelled'])
    await settled()
    await scheduler.tick()
    expect(await statesByKey(database)).toEqual({ a: 'cancelled', b: 'skipped' })
    expect(await database.db.selectFrom('job_locks').select('name').execute()).toEqual([])
    expect(scheduler.held.size).toBe(0)
  })

  it('stops an attempt whose job was cancelled and retried when it claims that again, and counts both until then', async () => {
    const database = await open()
    await storeRows(database, { jobs: ['a', 'b'].map((key) => ({ key, priority: key === 'a' ? 'high' : 'low' })) })
    const work = pendingWork()
    // Its clock stands still: it does not look whether what it runs is still wanted.
    const deps = { execute: work.execute, clock: new FakeClock() }
    const { scheduler } = aScheduler(database, { deps, options: { concurrency: 2 } })
    await database.db.updateTable('jobs').set({ hold: 'person' }).where('key', '=', 'b').execute()
    await scheduler.tick()
    await scheduler.tick()
    await cancelJobRow(database, { jobId: 'sample-a', reason: 'person', ids: systemIds, hasEventTable: true })
    const projectId = (await database.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()).id
    const retry = { projectId, targets: ['sample-a'], putBack: [], ids: systemIds, hasEventTable: true }
    await retryJobs(database, retry)
    await database.db.updateTable('jobs').set({ hold: null }).where('key', '=', 'b').execute()
    expect(await scheduler.tick()).toMatchObject({ claimed: 1, running: 2 })
    expect(work.stops).toEqual(['a lost'])
    await settled()
    expect(await scheduler.tick()).toMatchObject({ settled: 1, claimed: 1, running: 2 })
    await work.end('a')
    await work.end('b')
    expect(await scheduler.tick()).toMatchObject({ settled: 2, running: 0 })
    expect(await statesByKey(database)).toEqual({ a: 'completed', b: 'completed' })
    expect(scheduler.held.size).toBe(0)
  })

  it('calls it quiet only where nothing stands in line, and nobody else holds anything', async () => {
    const database = await open()
    const clock = new FakeClock({ instant: true })
    const { scheduler } = aScheduler(database, { deps: { clock } })
    const pass = async () => {
      await clock.sleep(2000)
      return (await scheduler.tick()).quiet
    }
    expect(await pass()).toBe(true)
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b' }] })
    await claim(database, { limit: 1 })
    await database.db.updateTable('jobs').set({ hold: 'person' }).where('state', '=', 'ready').execute()
    expect(await pass(), 'somebody runs a job').toBe(false)
    await database.db.updateTable('jobs').set({ state: 'completed' }).where('state', '=', 'running').execute()
    expect(await pass(), 'what is left waits for a person').toBe(true)
    await database.db.updateTable('projects').set({ status: 'paused' }).execute()
    await database.db.updateTable('jobs').set({ hold: null }).where('state', '=', 'ready').execute()
    expect(await pass(), 'what is in line waits for its project').toBe(false)
  })

  it('rescues jobs of a process that died at once, without charging the try', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const dead = aScheduler(database, { deps: { execute: pendingWork().execute } })
    await dead.scheduler.tick()
    const alive = aScheduler(database, { deps: { isAlive: () => false } })
    expect(await alive.scheduler.tick()).toMatchObject({ rescued: 1, claimed: 1 })
    const row = await database.db.selectFrom('jobs').selectAll().executeTakeFirstOrThrow()
    expect(row).toMatchObject({ attempt: 2, try: 1, interruptions: 1, lease_owner: alive.scheduler.id })
  })

  it('gives back what a job holds that was cancelled after its process died, and stops what is left of it', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'a', locks: ['port'] },
        { key: 'b', locks: ['port'], priority: 'low' },
      ],
    })
    const dead = aScheduler(database, { deps: { execute: pendingWork().execute }, options: { concurrency: 1 } })
    await dead.scheduler.tick()
    await cancelJobRow(database, { jobId: 'sample-a', reason: 'person', ids: systemIds, hasEventTable: true })
    const killed: string[] = []
    const killRemains = async (jobId: string, attempt: number) => void killed.push(`${jobId} ${attempt}`)
    const { execute } = pendingWork()
    for (const isAlive of [() => true, () => null]) {
      const { scheduler } = aScheduler(database, { deps: { isAlive, killRemains, execute } })
      expect(await scheduler.tick()).toMatchObject({ claimed: 0 })
    }
    expect(killed).toEqual([])
    const { scheduler } = aScheduler(database, { deps: { isAlive: () => false, killRemains, execute } })
    expect(await scheduler.tick()).toMatchObject({ rescued: 0, claimed: 1 })
    expect(killed).toEqual(['sample-a 1'])
    expect(await statesByKey(database)).toEqual({ a: 'cancelled', b: 'running' })
    const locks = await database.db.selectFrom('job_locks').select('job_id').execute()
    expect(locks).toEqual([{ job_id: 'sample-b' }])
  })

  it('leaves the jobs of a live process alone, and of one it cannot judge while the lease lasts', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const owner = aScheduler(database, { deps: { execute: pendingWork().execute } })
    await owner.scheduler.tick()
    expect(await aScheduler(database).scheduler.tick()).toMatchObject({ rescued: 0, claimed: 0 })
    const stranger = aScheduler(database, { deps: { isAlive: () => null } })
    expect(await stranger.scheduler.tick()).toMatchObject({ rescued: 0, claimed: 0 })
  })

  it('gives others one whole lease to renew after an outage, and takes the jobs of dead processes all the same', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b' }] })
    const options = { concurrency: 1 }
    await aScheduler(database, { deps: { execute: pendingWork().execute }, options }).scheduler.tick()
    await claim(database, { schedulerId: 'without a name', leaseMs: -1 })
    const outage = Object.assign(new Error('gone'), {
      code: database.dialect.skipsLocked ? '57P01' : 'SQLITE_CANTOPEN',
    })
    let away = true
    const now = () => (away ? Promise.reject(outage) : database.now())
    const clock = new FakeClock()
    const { scheduler } = aScheduler(database, {
      deps: { clock, isAlive: () => false, database: { ...database, now }, execute: pendingWork().execute },
      options,
    })
    await expect(scheduler.tick()).rejects.toThrow('gone')
    away = false
    expect(await scheduler.tick()).toMatchObject({ rescued: 1 })
    for (let second = 0; second < 20; second++) await clock.advance(1000).then(() => scheduler.tick())
    const rows = await database.db.selectFrom('jobs').select('state').where('interruptions', '=', 1).execute()
    expect(rows).toHaveLength(2)
  })

  it('books the calls in flight of a job that was cancelled, so that they hold no budget for ever', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b' }], rows: { a: { state: 'cancelled' } } })
    const call = { provider_id: 'p', model_id: 'm', bound_micro_usd: 700, tokens: 9, created_at: 1, attempt: 1 }
    const open1 = { ...call, id: 'r1', job_id: 'sample-a', project_id: 'sample', errand_id: 'e1' }
    const open2 = { ...call, id: 'r2', job_id: 'sample-b', project_id: 'sample', errand_id: 'e2' }
    await database.db.insertInto('reservations').values([open1, open2]).execute()
    await aScheduler(database, { deps: { execute: pendingWork().execute } }).scheduler.tick()
    const usage = await database.db.selectFrom('model_usage').selectAll().execute()
    expect(usage).toMatchObject([{ id: 'r1', outcome: 'unknown', cost_micro_usd: null, bound_micro_usd: 700 }])
  })

  it('rescues what it claimed itself when the answer was lost on the way', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const { scheduler } = aScheduler(database)
    await claim(database, { schedulerId: scheduler.id, leaseMs: -1 })
    expect(await scheduler.tick()).toMatchObject({ rescued: 1, claimed: 1 })
  })

  it('starts nothing while a needed table is missing, says so once, and starts when it appears', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const clock = new FakeClock()
    const { scheduler, events } = aScheduler(database, { deps: { clock } })
    await database.db.schema.alterTable('attempts').renameTo('attempts_away').execute()
    for (let pass = 0; pass < 3; pass++) {
      expect(await scheduler.tick()).toMatchObject({ claimed: 0 })
      await clock.advance(2000)
    }
    expect(events).toEqual([{ kind: 'tables_missing', tables: ['attempts'] }])
    await database.db.schema.alterTable('attempts_away').renameTo('attempts').execute()
    expect(await scheduler.tick()).toMatchObject({ claimed: 1 })
  })

  it.each(['job_events', 'job_locks', 'scheduler_instances', 'errands', 'reservations'] as const)(
    'runs without the table %s',
    async (table) => {
      const database = await open()
      await storeRows(database, {
        jobs: [
          { key: 'a', locks: ['port'] },
          { key: 'b', locks: ['port'] },
        ],
      })
      await database.db.schema.dropTable(table).execute()
      const { scheduler } = aScheduler(database, { options: { concurrency: 2 } })
      for (let pass = 0; pass < 3; pass++) {
        expect((await scheduler.tick()).claimed).toBeLessThan(2)
        await settled()
      }
      expect(await statesByKey(database)).toEqual({ a: 'completed', b: 'completed' })
    },
  )

  it('wakes what nobody is left to wake, but not a job whose dependencies are unknown', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [{ key: 'a' }, { key: 'free', dependsOn: ['a'] }, { key: 'dead' }, { key: 'behind', dependsOn: ['dead'] }],
      rows: { a: { state: 'completed' }, dead: { state: 'failed' } },
    })
    await storeRows(database, {
      slug: 'other',
      jobs: [{ key: 'lonely' }],
      rows: { lonely: { state: 'blocked', blocked_by: 1 } },
    })
    const { scheduler } = aScheduler(database, { deps: { execute: pendingWork().execute } })
    expect(await scheduler.tick()).toMatchObject({ woken: 2, claimed: 1 })
    expect(await statesByKey(database)).toMatchObject({ free: 'running', behind: 'skipped', lonely: 'blocked' })
  })
})

describe('stopping', () => {
  describeEachDatabase('a scheduler', (open) => {
    it('gives everything back at once without charging the try', async () => {
      const database = await open()
      await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b' }] })
      const work = pendingWork()
      const { scheduler } = aScheduler(database, { deps: { execute: work.execute } })
      await scheduler.tick()
      await scheduler.stop(1000)
      expect(work.stops.toSorted()).toEqual(['a stop', 'b stop'])
      const rows = await database.db.selectFrom('jobs').selectAll().execute()
      for (const row of rows) expect(row).toMatchObject({ state: 'ready', try: 1, interruptions: 0, lease_owner: null })
    })

    it('gives back also what does not listen', async () => {
      const database = await open()
      await storeRows(database, { jobs: [{ key: 'a' }] })
      const { scheduler } = aScheduler(database, { deps: { execute: () => new Promise(() => {}) } })
      await scheduler.tick()
      await scheduler.stop(10)
      expect(await statesByKey(database)).toEqual({ a: 'ready' })
    })
  })
})
