/** A thread that renews leases while the main loop is busy. Its script is `src/heartbeat.ts`. */
import { Worker } from 'node:worker_threads'
import type { AttemptKey } from '../database/queries/fence.ts'
import type { Refusal } from '../database/queries/heartbeat.ts'
import { HeartbeatMemory } from './heartbeat-memory.ts'

/** Where the thread finds its script and its database. */
export interface HeartbeatSource {
  readonly script: URL
  readonly databaseUrl: string
  readonly schema: string | undefined
}

export interface HeartbeatOptions {
  readonly schedulerId: string
  readonly leaseMs: number
  /** How long the main loop may be silent before nothing is renewed any more; default a minute. */
  readonly longestSilenceMs?: number
  /** Told at once of leases that could not be renewed. */
  readonly onRefused: (refusal: Refusal) => void
}

/** What the thread is given. */
export interface HeartbeatWork extends Omit<HeartbeatSource, 'script'>, Omit<HeartbeatOptions, 'onRefused'> {
  readonly buffer: SharedArrayBuffer
}

/** Renews leases beside the main loop; see `LeaseKeeper` for what happens when it does not. */
export interface Heartbeat {
  /** The attempts to renew from now on. Call it before they start: their work may keep the event loop busy. */
  hold(keys: readonly AttemptKey[]): void
  /** Says that the main loop is alive. */
  beat(): void
  /** Counts up with every renewal. */
  readonly renewals: number
  close(): Promise<void>
}

/** Heap of the thread, which holds a driver and a few rows. */
const heapMegabytes = 32

/** Starts the thread. It does not keep the process alive, and where it dies the main loop renews. */
export function startHeartbeatThread(source: HeartbeatSource, options: HeartbeatOptions): Heartbeat {
  const { script, ...database } = source
  const { onRefused, ...who } = options
  const memory = new HeartbeatMemory()
  const workerData: HeartbeatWork = { ...database, ...who, buffer: memory.buffer }
  const worker = new Worker(script, { workerData, resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } })
  worker.unref()
  worker.on('message', onRefused)
  // What it cannot do the main loop does: its counter stands still.
  worker.on('error', () => {})
  return {
    hold: (keys) => void memory.hold(keys),
    beat: () => memory.beat(),
    get renewals() {
      return memory.renewals
    },
    close: async () => void (await worker.terminate()),
  }
}
