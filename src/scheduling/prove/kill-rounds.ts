/** Runners that are killed at random instants, two at a time, so that one is there to rescue what the other held. */
import { OrchError } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { ProofRunner } from './proof-runner.ts'

export interface KillRounds {
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  readonly kills: number
  /** Monotonic: no runner is started after it. */
  readonly untilMs: number
  readonly start: () => ProofRunner
  /** Called after each kill with their number so far. */
  readonly onKill: (kills: number) => Promise<void>
}

const lanes = 2
/** From its first purchase on; calls take a tenth of it, so that most rounds bring the project forward. */
const shortestLifeMs = 100
const longestLifeMs = 450

/** Returns how many runners were killed. Throws ORCH_BUG, with what it said, for one that failed by itself. */
export async function killInTurn(rounds: KillRounds): Promise<number> {
  const { clock, random, signal, untilMs } = rounds
  let started = 0
  let kills = 0
  const goOn = () => started < rounds.kills && !signal.aborted && clock.monotonic() < untilMs
  const lane = async () => {
    while (goOn()) {
      started += 1
      const runner = rounds.start()
      await until(runner.working, rounds)
      await clock.sleep(shortestLifeMs + random.next() * (longestLifeMs - shortestLifeMs), signal)
      runner.kill()
      const end = await runner.ended
      if (end.exitCode !== null && end.exitCode !== 0) throw failedRunner(end.stderr)
      if (end.killed) kills += 1
      await rounds.onKill(kills)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return kills
}

/** A runner that does not get to work must not hold up the proof: it is killed as it is. */
async function until(event: Promise<unknown>, { clock, signal, untilMs }: KillRounds): Promise<void> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  await Promise.race([event, clock.sleep(Math.max(0, untilMs - clock.monotonic()), either)])
  over.abort()
}

export function failedRunner(stderr: string): OrchError {
  const said = stderr.trim().split('\n').at(-1) ?? ''
  return new OrchError('ORCH_BUG', `A runner of the proof ended by itself: ${said}`, {
    hint: 'Look at `orch doctor` and `orch db check` first, then report it',
  })
}
