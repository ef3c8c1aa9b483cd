import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../runtime/clock.ts'

/** Milliseconds. */
export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const longestMs = 2000
const block = Buffer.alloc(4096, 1)

export interface Repetition {
  readonly clock: Clock
  /** Samples at most. */
  readonly times: number
}

/** Writes a page and flushes it to the disk again and again, in a file of its own in the directory. */
export async function measureFsync(directory: string, repetition: Repetition): Promise<Spread> {
  const path = join(directory, 'fsync')
  const file = await open(path, 'w', 0o600)
  try {
    return await measureSpread(repetition, async () => {
      await file.write(block)
      await file.sync()
    })
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}

/** Repeats something for at most two seconds and says how long it took. */
export async function measureSpread({ clock, times }: Repetition, work: () => Promise<unknown>): Promise<Spread> {
  const took: number[] = []
  const until = clock.monotonic() + longestMs
  while (took.length < times && (took.length === 0 || clock.monotonic() < until)) {
    const begin = clock.monotonic()
    await work()
    took.push(clock.monotonic() - begin)
  }
  const sorted = took.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
