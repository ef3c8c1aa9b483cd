import { describe, expect, it } from 'vitest'
import { exitOfRun } from '../../src/scheduling/scheduler-run.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { statesByKey, storeRows } from '../support/job-rows.ts'
import { aRun, failedOutcome, pendingWork } from '../support/scheduling.ts'
import type { DatabaseFailure } from '../../src/database/dialect/dialect.ts'

describeEachDatabase('a run until idle', (open) => {
  it('completes a whole project and ends with what became of it', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'a' },
        { key: 'b', dependsOn: ['a'] },
        { key: 'c', dependsOn: ['a'] },
        { key: 'd', dependsOn: ['b', 'c'] },
      ],
    })
    const { run } = aRun(database)
    const report = await run.run()
    expect(report).toEqual({ end: 'idle', counts: { completed: 4 } })
    expect(exitOfRun(report)).toBe('done')
  })

  it('ends although a job failed, and says so', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const { run } = aRun(database, { deps: { execute: async () => failedOutcome() } })
    const report = await run.run()
    expect(report).toEqual({ end: 'idle', counts: { failed: 1, skipped: 1 } })
    expect(exitOfRun(report)).toBe('runFailed')
  })

  it('waits for what may start soon, not for what may not', async () => {
    const database = await open()
    const now = await database.now()
    await storeRows(database, {
      jobs: [{ key: 'soon' }, { key: 'late' }],
      rows: { soon: { run_at: now + 300 }, late: { run_at: now + 3_600_000, waits_for: 'provider' } },
    })
    const { run } = aRun(database)
    const report = await run.run()
    expect(await statesByKey(database)).toEqual({ soon: 'completed', late: 'ready' })
    expect(exitOfRun(report)).toBe('runWaits')
  })

  it('ends at once with its own exit where there are no tables', async () => {
    const database = await open({ migrate: false })
    const { run, events } = aRun(database)
    const report = await run.run()
    expect(report.end).toBe('tablesMissing')
    expect(exitOfRun(report)).toBe('migrationsPending')
    expect(events.map((event) => event.kind)).toEqual(['tables_missing'])
  })
})

describeEachDatabase('stopping a run', (open) => {
  it('drains: what runs ends, nothing new starts, leases are kept', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const work = pendingWork()
    const { run, events } = aRun(database, { deps: { execute: work.execute }, options: { leaseMs: 400 } })
    const running = run.run()
    await expect.poll(work.started, { interval: 5 }).toEqual(['a'])
    run.drain()
    const lease = async () =>
      (await database.db.selectFrom('jobs').select('lease_expires_at').where('key', '=', 'a').executeTakeFirstOrThrow())
        .lease_expires_at ?? 0
    const before = await lease()
    await expect.poll(lease, { interval: 20, timeout: 5000 }).toBeGreaterThan(before)
    await work.end('a')
    const report = await running
    expect(report.end).toBe('drained')
    expect(exitOfRun(report)).toBe('signal')
    expect(await statesByKey(database)).toEqual({ a: 'completed', b: 'ready' })
    expect(events.map((event) => event.kind)).toEqual(['started', 'draining', 'ended'])
  })

  it('stops on the second word: aborts, gives back at once, charges no try', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const work = pendingWork()
    const { run } = aRun(database, { deps: { execute: work.execute } })
    const running = run.run()
    await expect.poll(work.started, { interval: 5 }).toEqual(['a'])
    run.drain()
    run.stop()
    expect((await running).end).toBe('stopped')
    expect(work.stops).toEqual(['a stop'])
    const [row] = await database.db.selectFrom('jobs').selectAll().execute()
    expect(row).toMatchObject({ state: 'ready', try: 1, interruptions: 0, lease_owner: null })
  })

  it('stops by itself when the grace of a drain is over', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const work = pendingWork()
    const { run } = aRun(database, { deps: { execute: work.execute }, options: { graceMs: 50 } })
    const running = run.run()
    await expect.poll(work.started, { interval: 5 }).toEqual(['a'])
    run.drain()
    expect((await running).end).toBe('stopped')
  })
})

describe('a run whose database goes away', () => {
  describeEachDatabase('and comes back', (open) => {
    it('keeps the results, claims nothing meanwhile, and writes them on return', async () => {
      const real = await open()
      await storeRows(real, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
      let away = false
      const outage = Object.assign(new Error('gone'), { code: 'TEST_OUTAGE' })
      const failing = <T>(work: () => Promise<T>) => (away ? Promise.reject(outage) : work())
      const dialect = {
        ...real.dialect,
        classify: (error: unknown): DatabaseFailure => (error === outage ? 'outage' : real.dialect.classify(error)),
      }
      const database = {
        ...real,
        dialect,
        now: () => failing(real.now),
        write: <T>(work: Parameters<typeof real.write<T>>[0]) => failing(() => real.write(work)),
      }
      const work = pendingWork()
      const { run, events } = aRun(database, {
        deps: { execute: work.execute, clock: new FakeClock({ instant: true }) },
        // The fake clock runs far ahead of the real database.
        options: { maxWaitMs: Number.POSITIVE_INFINITY },
      })
      const running = run.run()
      await expect.poll(work.started, { interval: 5 }).toEqual(['a'])
      away = true
      await work.end('a')
      await expect.poll(() => events.map((event) => event.kind), { interval: 5 }).toContain('outage')
      expect(await statesByKey(real)).toEqual({ a: 'running', b: 'blocked' })
      away = false
      await expect.poll(work.started, { interval: 5 }).toEqual(['a', 'b'])
      await work.end('b')
      expect(await running).toEqual({ end: 'idle', counts: { completed: 2 } })
      expect(events.filter((event) => event.kind === 'outage')).toHaveLength(1)
    })
  })
})
