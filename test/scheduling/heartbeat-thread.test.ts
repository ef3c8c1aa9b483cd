import { expect, it, onTestFinished } from 'vitest'
import type { Refusal } from '../../src/database/queries/heartbeat.ts'
import { startHeartbeatThread, type HeartbeatOptions } from '../../src/scheduling/heartbeat-thread.ts'
import { HeartbeatMemory } from '../../src/scheduling/heartbeat-memory.ts'
import { describeEachDatabase, type TestDatabase } from '../support/databases.ts'
import { eventKinds, storeRows } from '../support/job-rows.ts'
import { aScheduler, claim, pendingWork } from '../support/scheduling.ts'

/** Built by the global setup, as it is delivered. */
const script = new URL('../../dist/heartbeat.js', import.meta.url)

function startFor(database: TestDatabase, options: HeartbeatOptions) {
  const source = { script, databaseUrl: database.url, schema: database.schema }
  const heartbeat = startHeartbeatThread(source, options)
  onTestFinished(() => heartbeat.close())
  return heartbeat
}

async function leaseOf({ db }: TestDatabase): Promise<number> {
  const row = await db.selectFrom('jobs').select('lease_expires_at').executeTakeFirstOrThrow()
  return row.lease_expires_at ?? 0
}

/** What no scheduler should do: keeps the event loop of this process busy. */
function hogEventLoop(durationMs: number): void {
  const end = performance.now() + durationMs
  while (performance.now() < end);
}

async function aHeldJob(database: TestDatabase) {
  await storeRows(database, { jobs: [{ key: 'a' }] })
  const [claimed] = await claim(database, { schedulerId: 'me', leaseMs: 1200 })
  return [{ jobId: claimed?.job.id ?? '', attempt: claimed?.job.attempt ?? 0 }] as const
}

describeEachDatabase('the heartbeat thread', (open) => {
  it('renews while the event loop is busy for longer than a lease', async () => {
    const database = await open()
    const keys = await aHeldJob(database)
    const heartbeat = startFor(database, { schedulerId: 'me', leaseMs: 1200, onRefused: () => {} })
    heartbeat.hold(keys)
    await expect.poll(() => heartbeat.renewals, { timeout: 20_000 }).toBeGreaterThan(0)
    hogEventLoop(2500)
    expect(await leaseOf(database)).toBeGreaterThan(await database.now())
  })

  it('stops renewing when the main loop is silent for too long, and goes on when it is back', async () => {
    const database = await open()
    const keys = await aHeldJob(database)
    const options = { schedulerId: 'me', leaseMs: 400, longestSilenceMs: 300, onRefused: () => {} }
    const heartbeat = startFor(database, options)
    heartbeat.hold(keys)
    await expect.poll(() => heartbeat.renewals, { timeout: 20_000 }).toBeGreaterThan(0)
    await expect.poll(async () => (await leaseOf(database)) < (await database.now()), { timeout: 20_000 }).toBe(true)
    const renewals = heartbeat.renewals
    heartbeat.beat()
    await expect.poll(() => heartbeat.renewals, { timeout: 20_000 }).toBeGreaterThan(renewals)
  })

  it('tells at once what it could not renew, and renews nothing that is not ours', async () => {
    const database = await open()
    const keys = await aHeldJob(database)
    const refusals: Refusal[] = []
    await database.db.updateTable('jobs').set({ attempt: 2, lease_owner: 'other', lease_expires_at: 5 }).execute()
    const heartbeat = startFor(database, {
      schedulerId: 'me',
      leaseMs: 400,
      onRefused: (one) => void refusals.push(one),
    })
    heartbeat.hold(keys)
    await expect.poll(() => refusals[0], { timeout: 20_000 }).toMatchObject({ keys, standings: [{ attempt: 2 }] })
    expect(await leaseOf(database)).toBe(5)
  })

  it('is started by a scheduler with its first attempt, and stops the attempt that it cannot renew', async () => {
    const database = await open()
    const work = pendingWork()
    let started = 0
    const startHeartbeat = (options: HeartbeatOptions) => {
      started += 1
      return startFor(database, options)
    }
    const deps = { execute: work.execute, startHeartbeat }
    const { scheduler } = aScheduler(database, { deps, options: { leaseMs: 800 } })
    await scheduler.tick()
    expect(started).toBe(0)
    await storeRows(database, { jobs: [{ key: 'a' }] })
    await scheduler.tick()
    expect(started).toBe(1)
    await database.db.updateTable('jobs').set({ attempt: 7, lease_owner: 'other' }).execute()
    // Without any pass of the scheduler.
    await expect.poll(() => work.stops, { timeout: 20_000 }).toEqual(['a lost'])
    await expect.poll(() => eventKinds(database)).toEqual(['a started', 'a rejected_write'])
    await scheduler.close()
  })
})

it('shares what is held, and holds nothing where it does not fit', () => {
  const memory = new HeartbeatMemory()
  const other = new HeartbeatMemory(memory.buffer)
  expect(other.held()).toEqual([])
  const keys = [
    { jobId: 'jöb', attempt: 1 },
    { jobId: 'b', attempt: 12 },
  ]
  expect(memory.hold(keys)).toBe(true)
  expect(other.held()).toEqual(keys)
  expect(memory.hold(Array.from({ length: 40_000 }, (_, attempt) => ({ jobId: 'x'.repeat(36), attempt })))).toBe(false)
  expect(other.held()).toEqual([])
})
