import { spawnSync } from 'node:child_process'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What this machine does by itself, in milliseconds: every absolute figure is read beside it. */
export interface Calibration {
  /** Median of starting and ending `node -e 0`. */
  readonly nodeStartMs: number
  readonly fsyncMs: { readonly p50: number; readonly p99: number; readonly max: number }
}

const starts = 7
const writes = 1000
const longestMs = 5000
const block = Buffer.alloc(4096, 1)

/** Measures for about three seconds, at most ten. */
export function calibrate(): Calibration {
  const nodeStarts = Array.from({ length: starts }, () => timed(() => spawnSync(process.execPath, ['-e', '0'])))
  return { nodeStartMs: quantile(nodeStarts, 0.5), fsyncMs: measureFsync() }
}

/** A page written and flushed again and again, as a commit does. */
function measureFsync(): Calibration['fsyncMs'] {
  const directory = mkdtempSync(join(tmpdir(), 'orch-fsync-'))
  const file = openSync(join(directory, 'file'), 'w')
  const took: number[] = []
  try {
    const end = performance.now() + longestMs
    while (took.length < writes && performance.now() < end) {
      took.push(
        timed(() => {
          writeSync(file, block)
          fsyncSync(file)
        }),
      )
    }
  } finally {
    closeSync(file)
    rmSync(directory, { recursive: true, force: true })
  }
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99), max: Math.max(...took) }
}

function timed(work: () => void): number {
  const begin = performance.now()
  work()
  return performance.now() - begin
}

/** The value below which a share of the values lies; 0 for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
