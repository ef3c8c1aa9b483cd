/**
 * The heartbeat thread: renews the leases of a scheduler whose event loop is busy, on a connection of its own, and
 * says at once what it could not renew. It renews only what its scheduler holds, and only while the scheduler's loop
 * is alive: one that hangs for a minute has lost its jobs.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase, type Database } from './database/connection.ts'
import { renewHeld } from './database/queries/heartbeat.ts'
import { systemClock } from './runtime/clock.ts'
import { systemRandom } from './runtime/random.ts'
import { HeartbeatMemory } from './scheduling/heartbeat-memory.ts'
import type { HeartbeatWork } from './scheduling/heartbeat-thread.ts'

const defaultLongestSilenceMs = 60_000
/** After a failure: the database may be back, and the leases run. */
const retryAfterMs = 500

const work = workerData as HeartbeatWork
const memory = new HeartbeatMemory(work.buffer)
const { clock, random } = { clock: systemClock, random: systemRandom }
let database: Database | null = null
let heardMs = clock.monotonic()
let beats = memory.beats

function mainLoopLives(): boolean {
  if (memory.beats !== beats) heardMs = clock.monotonic()
  beats = memory.beats
  return clock.monotonic() - heardMs < (work.longestSilenceMs ?? defaultLongestSilenceMs)
}

async function renew(): Promise<void> {
  const { databaseUrl, schema, schedulerId, leaseMs } = work
  database ??= await openDatabase(databaseUrl, {
    clock,
    random,
    connections: 1,
    ...(schema === undefined ? {} : { schema }),
  })
  const refusal = await renewHeld(database, memory.held(), { schedulerId, leaseMs })
  if (refusal.keys.length > 0) parentPort?.postMessage(refusal)
  memory.renewed()
}

async function keepRenewing(): Promise<never> {
  for (;;) {
    let pauseMs = work.leaseMs / 4
    if (mainLoopLives()) {
      await renew().catch(() => {
        pauseMs = Math.min(pauseMs, retryAfterMs)
      })
    }
    await clock.sleep(pauseMs)
  }
}

await keepRenewing()
