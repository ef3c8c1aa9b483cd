/**
 * npm run bench:startup: how long a shell waits. Medians of 20 interleaved runs, as ratios to an empty Node
 * process on the same machine. Ends with status 1 when a bound is broken.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const runs = 20
const orch = resolve('bin/orch.js')

interface Candidate {
  readonly name: string
  readonly argv: readonly string[]
  /** Largest allowed ratio to `node -e 0`; null measures only. */
  readonly bound: number | null
}

const candidates: readonly Candidate[] = [
  { name: 'node -e 0', argv: ['-e', '0'], bound: null },
  { name: 'orch --version', argv: [orch, '--version'], bound: 1.5 },
  { name: 'orch --help', argv: [orch, '--help'], bound: null },
  { name: 'orch jobs list', argv: [orch, 'jobs', 'list'], bound: 3 },
]

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}

function wallMs(argv: readonly string[], cwd: string): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, argv, { cwd, env: environment(cwd), timeout: 30_000 })
  const elapsedMs = performance.now() - start
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with status ${status}: ${String(stderr)}`)
  return elapsedMs
}

function environment(cwd: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: cwd,
    ORCH_CONFIG_DIR: join(cwd, 'config'),
    ORCH_STATE_DIR: join(cwd, 'state'),
    ORCH_DETECT: 'off',
  }
}

function measure(cwd: string): ReadonlyMap<string, number> {
  const samples = new Map(candidates.map(({ name }) => [name, [] as number[]]))
  // Interleaved, so that a busy moment of the machine hits every candidate alike; the first round warms the disk.
  for (let run = 0; run <= runs; run++) {
    for (const { name, argv } of candidates) {
      const elapsedMs = wallMs(argv, cwd)
      if (run > 0) samples.get(name)?.push(elapsedMs)
    }
  }
  return new Map([...samples].map(([name, values]) => [name, median(values)]))
}

const cwd = mkdtempSync(join(tmpdir(), 'orch-bench-'))
try {
  execFileSync(process.execPath, ['scripts/build.js'], { stdio: 'inherit', timeout: 60_000 })
  const prepare = (...argv: readonly string[]) =>
    execFileSync(process.execPath, [orch, ...argv, '--quiet'], { cwd, env: environment(cwd), timeout: 30_000 })
  prepare('init')
  // Something to list: an empty table would flatter.
  prepare('project', 'plan', '--blueprint', 'repo-report')
  const medians = measure(cwd)
  const base = medians.get('node -e 0') ?? Number.NaN
  for (const { name, bound } of candidates) {
    const elapsedMs = medians.get(name) ?? Number.NaN
    const ratio = elapsedMs / base
    const verdict = bound === null ? '' : ratio <= bound ? `<= ${bound} ok` : `> ${bound} TOO SLOW`
    console.log(`${name.padEnd(16)} ${elapsedMs.toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)} x  ${verdict}`)
    if (bound !== null && ratio > bound) process.exitCode = 1
  }
} finally {
  rmSync(cwd, { recursive: true, force: true })
}
