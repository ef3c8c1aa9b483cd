/** `orch bench`: this machine and this database, in a scratch area that is gone afterwards. */
import { Capabilities } from '../../database/capabilities.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Ids } from '../../runtime/ids.ts'
import type { Random } from '../../runtime/random.ts'
import { openScratchArea, removeLeftovers, type Leftovers, type ScratchDeps } from '../scratch-area.ts'
import {
  measureClaims,
  measureDatabase,
  measureStartLatency,
  measureThroughput,
  type BenchScene,
} from './bench-scheduler.ts'
import type { Spread } from '../measure/spread.ts'

export interface BenchDeps extends Pick<ScratchDeps, 'migrations' | 'toolVersion'> {
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  /** Address of the user's database, password included. */
  readonly url: string
  readonly signal: AbortSignal
  readonly onProgress: (message: string) => void
}

export interface BenchOptions {
  readonly jobs: number
  readonly concurrency: number
  readonly seed: number
}

export interface BenchReport {
  readonly engine: string
  /** The directory or schema it worked in; gone by now. */
  readonly area: string
  readonly jobsPerSecond: number
  readonly claimMs: Spread
  readonly startMs: Spread
  readonly commitMs: Spread
  readonly questionMs: Spread
  /** Null where the disk is the server's. */
  readonly fsyncMs: Spread | null
  /** One line on what limits each figure. */
  readonly limitedBy: { readonly throughput: string; readonly claim: string; readonly start: string }
  readonly leftovers: Leftovers
}

const mostClaims = 300
const startSamples = 20
const databaseSamples = 200

/**
 * Measures in a scratch area, and removes it whatever happens; what an earlier bench left because it was killed is
 * removed first. Null when the signal ended it. Throws what opening, migrating and removing the area throw.
 */
export async function runBench(deps: BenchDeps, options: BenchOptions): Promise<BenchReport | null> {
  const place = { url: deps.url, purpose: 'bench' } as const
  const leftovers = await removeLeftovers(place, deps)
  deps.onProgress('Making a scratch area beside the database')
  const area = await openScratchArea(place, deps)
  try {
    const tables = new Capabilities(area.database, deps.migrations, { clock: deps.clock })
    const { clock, ids, signal, toolVersion: version } = deps
    const scene = { area, tables, clock, ids, signal, seed: options.seed, version }
    const figures = await measure(scene, deps, options)
    if (figures === null) return null
    const engine = area.database.dialect.label
    return { engine, area: area.name, ...figures, limitedBy: limits(figures, options), leftovers }
  } finally {
    await area.end()
  }
}

type Figures = Pick<BenchReport, 'jobsPerSecond' | 'claimMs' | 'startMs' | 'commitMs' | 'questionMs' | 'fsyncMs'>

/** One part after the other; null as soon as the signal ends it. */
async function measure(scene: BenchScene, { onProgress, signal }: BenchDeps, options: BenchOptions) {
  onProgress(`Measuring the database in ${scene.area.name}`)
  const { commit, question, fsync } = await measureDatabase(scene, Math.min(options.jobs, databaseSamples))
  if (signal.aborted) return null
  onProgress(`Running ${options.jobs} jobs, ${options.concurrency} at once`)
  const jobsPerSecond = await measureThroughput(scene, options)
  if (signal.aborted) return null
  onProgress('Claiming one job at a time')
  const claimMs = await measureClaims(scene, Math.min(options.jobs, mostClaims))
  if (signal.aborted) return null
  onProgress('Giving jobs to an idle scheduler')
  const startMs = await measureStartLatency(scene, Math.min(options.jobs, startSamples))
  if (signal.aborted) return null
  const figures: Figures = { jobsPerSecond, claimMs, startMs, commitMs: commit, questionMs: question, fsyncMs: fsync }
  return figures
}

function limits({ jobsPerSecond, claimMs, startMs, commitMs }: Figures, { concurrency }: BenchOptions) {
  const commit = `${commitMs.p50.toFixed(2)} ms per durable commit`
  const batchMs = jobsPerSecond === 0 ? 0 : (concurrency * 1000) / jobsPerSecond
  const share = (partMs: number, wholeMs: number) => Math.round((100 * partMs) / Math.max(wholeMs, partMs, 0.001))
  const batch = share(commitMs.p50, batchMs)
  const claim = share(commitMs.p50, claimMs.p50)
  return {
    throughput: `${concurrency} jobs take ${batchMs.toFixed(1)} ms, ${batch} % of it one commit (${commit}); the rest is statements and this process`,
    claim: `${claim} % is the commit (${commit}); the rest is statements and this process`,
    start: `${claimMs.p50.toFixed(2)} ms of ${startMs.p50.toFixed(2)} ms is the claim; the rest is until the scheduler hears of the job`,
  }
}
