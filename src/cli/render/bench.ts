/** What `orch bench` measured, for programs and for people. */
import type { BenchOptions, BenchReport } from '../../scheduling/bench/run-bench.ts'
import type { Spread } from '../../scheduling/measure/spread.ts'
import type { Io } from '../io.ts'

export function benchDocument({ leftovers, ...report }: BenchReport, options: BenchOptions) {
  return { ...report, ...options, removedLeftovers: leftovers.removed, otherAreas: leftovers.kept }
}

export function benchText(report: BenchReport): string {
  const { engine, jobsPerSecond, claimMs, startMs, commitMs, questionMs, fsyncMs, limitedBy } = report
  const lines = [
    `${engine}, in a scratch area that is gone again (${report.area})`,
    '',
    `jobs per second   ${jobsPerSecond.toFixed(0)}`,
    `                  ${limitedBy.throughput}`,
    `claim             ${spreadText(claimMs)}`,
    `                  ${limitedBy.claim}`,
    `enqueue to start  ${spreadText(startMs)}`,
    `                  ${limitedBy.start}`,
    '',
    'Beside it, what the disk and the database do by themselves:',
    `durable commit    ${spreadText(commitMs)}`,
    ...(fsyncMs === null ? [] : [`write + fsync     ${spreadText(fsyncMs)}`]),
    `question          ${spreadText(questionMs)}`,
  ]
  return lines.join('\n')
}

function spreadText({ p50, p95, p99, max, samples }: Spread): string {
  const ms = (value: number) => value.toFixed(value < 10 ? 2 : 0)
  return `p50 ${ms(p50)} ms  p95 ${ms(p95)} ms  p99 ${ms(p99)} ms  max ${ms(max)} ms  (${samples} samples)`
}

/** Names what killed benches left, and what may be of others at work. */
export function warnOfLeftovers(io: Io, { leftovers: { removed, kept } }: BenchReport): void {
  if (removed.length > 0) io.warn(`Removed what an earlier bench left when it was killed: ${removed.join(', ')}`)
  if (kept.length > 0) io.warn(`Other benches are at work, or their machine is not this one: ${kept.join(', ')}`)
}
