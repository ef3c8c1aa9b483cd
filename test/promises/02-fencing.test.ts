import { expect, it } from 'vitest'
import { renewLeases } from '../../src/database/queries/heartbeat.ts'
import type { AttemptEnd } from '../../src/domain/attempt-end.ts'
import type { Database } from '../../src/database/connection.ts'
import type { ClaimedJob } from '../../src/database/queries/claim.ts'
import { describeEachDatabase, type TestDatabase } from '../support/databases.ts'
import { eventKinds, storeRows } from '../support/job-rows.ts'
import { aScheduler, anEnd, claim, finish, pendingWork, settled } from '../support/scheduling.ts'

/** A zombie: its lease was lost, somebody else runs the job now. */
async function zombie(database: TestDatabase): Promise<readonly ClaimedJob[]> {
  await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
  const stale = await claim(database, { schedulerId: 'zombie', leaseMs: -1 })
  const { scheduler } = aScheduler(database, { deps: { execute: pendingWork().execute } })
  expect(await scheduler.tick()).toMatchObject({ rescued: 1, claimed: 1 })
  return stale
}

async function everything({ db }: Database) {
  const [jobs, attempts] = [
    await db.selectFrom('jobs').selectAll().orderBy('id').execute(),
    await db.selectFrom('attempts').selectAll().orderBy('number').execute(),
  ]
  return { jobs, attempts }
}

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
    await database.db.updateTable('jobs').set({ attempt: 7, lease_owner: 'other' }).execute()
    await expect.poll(async () => (await scheduler.tick(), work.stops), { interval: 10 }).toEqual(['a lost'])
    await settled()
    await scheduler.tick()
    expect(scheduler.held.size).toBe(0)
    const [row] = await database.db.selectFrom('jobs').selectAll().execute()
    expect(row).toMatchObject({ state: 'running', attempt: 7, lease_owner: 'other' })
  })
})
