import type { KillDagEnd, KillDagExtent } from './kill-dag.ts'
import type { KillTurns } from './kill-turns.ts'
import type { DatabaseVerdict, Handover, KillWitness } from './kill-witness.ts'
import { atLeast, atMost, exactly, noted, type Figure, type Size } from './line.ts'
import type { Runner } from './runner.ts'

export interface KillDagReport {
  readonly size: Size
  readonly extent: KillDagExtent
  readonly turns: KillTurns
  /** Died on what the others took for another host. */
  readonly foreign: Runner
  readonly witness: KillWitness
  readonly verdict: DatabaseVerdict
  readonly handovers: readonly Handover[]
  readonly end: KillDagEnd
}

const rescueHereMs = 2000
const rescueElsewhereMs = 5000

export function killDagFigures(report: KillDagReport): readonly Figure[] {
  return [...killFigures(report), ...lossFigures(report), ...purchaseFigures(report), ...rescueFigures(report)]
}

function killFigures({ size, extent, turns }: KillDagReport): readonly Figure[] {
  const struck = [...turns.struck()]
  const atPoints = struck.reduce((sum, [, count]) => sum + count, 0)
  const never = struck.filter(([, count]) => count === 0).map(([name]) => name)
  const failed = turns.runners.filter((runner) => !runner.lives && !runner.wasKilled && runner.child.exitCode !== 130)
  return [
    atLeast('kills', turns.kills, { limit: extent.kills }),
    atLeast('kills at named crash points', atPoints, { limit: size === 'short' ? 1 : Math.ceil(extent.kills / 3) }),
    // A short run does not meet them all.
    size === 'short'
      ? noted('crash points that never struck', never.length)
      : { name: 'crash points that never struck', value: never.join(', ') || 0, bound: '0', pass: never.length === 0 },
    exactly('runners that ended by themselves', failed.length, 0),
    ...failed.slice(0, 2).map((runner) => noted('one of them said', runner.stderr.trim().split('\n').at(-1) ?? '')),
  ]
}

function lossFigures({ extent, verdict, end }: KillDagReport): readonly Figure[] {
  const completed = verdict.states['completed'] ?? 0
  return [
    exactly('jobs not completed at the end', extent.jobs - completed, 0),
    ...(completed === extent.jobs ? [] : [noted('states', JSON.stringify(verdict.states))]),
    exactly('jobs completed another number of times than once', verdict.notOnce, 0),
    exactly('exit code of the last run', end.exitCode ?? -1, 0),
    noted('jobs quarantined and released', end.quarantined),
  ]
}

function purchaseFigures({ witness, verdict }: KillDagReport): readonly Figure[] {
  const repeated = [...witness.repeatedCalls()]
  const unexplained = repeated.filter(([key, times]) => times > (verdict.interrupted.get(key) ?? 0))
  const unbooked = [...witness.callsByJob()].filter(([key, calls]) => (verdict.ledger.get(key) ?? 0) < calls)
  return [
    noted('calls', witness.calls.length),
    exactly('committed calls bought again', witness.boughtAgain().length, 0),
    noted(
      'calls in flight at a kill, asked again',
      repeated.reduce((sum, [, times]) => sum + times, 0),
    ),
    exactly('jobs with more repeated calls than interruptions', unexplained.length, 0),
    exactly('jobs with calls that the ledger does not show', unbooked.length, 0),
    exactly('model jobs charged another try', verdict.tries, 0),
  ]
}

function rescueFigures({ size, extent, turns, foreign, handovers }: KillDagReport): readonly Figure[] {
  const here: number[] = []
  const elsewhere: number[] = []
  for (const { pid, rescuedAtMs, againAtMs } of handovers) {
    if (pid === foreign.child.pid) elsewhere.push(rescuedAtMs - (foreign.endedAtMs ?? 0))
    const dead = turns.killed().find((runner) => runner.child.pid === pid)
    if (dead?.endedAtMs === undefined || dead.endedAtMs === null) continue
    const { endedAtMs } = dead
    // Where nobody was there to rescue, the next start of a runner decides, not the rescue.
    if (turns.runners.some((one) => one.workedThrough(endedAtMs, againAtMs))) here.push(againAtMs - endedAtMs)
  }
  const handedOver = [
    atLeast('jobs handed over from another host', elsewhere.length, { limit: 1 }),
    // The lease was renewed at most a quarter of it before the end: whoever takes over sooner judged by something else.
    atLeast('quickest kill to rescue, another host', Math.min(...elsewhere), {
      limit: extent.foreignLeaseMs / 2,
      unit: 'ms',
    }),
  ]
  const slowestHere = Math.max(0, ...here)
  const slowestElsewhere = Math.max(0, ...elsewhere)
  // Beside other tests nothing is said about time.
  if (size === 'short') return [...handedOver, noted('slowest kill to next start, ms', slowestHere)]
  return [
    atLeast('jobs handed over to a living runner', here.length, { limit: extent.kills / 5 }),
    atMost('slowest kill to next start, same host', slowestHere, { limit: rescueHereMs, unit: 'ms' }),
    ...handedOver,
    atMost('slowest kill to rescue, another host', slowestElsewhere, {
      limit: extent.foreignLeaseMs + rescueElsewhereMs,
      unit: 'ms',
    }),
  ]
}
