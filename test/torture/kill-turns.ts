/** Several runners at once, killed in turn: by themselves at named crash points, or from outside at random instants. */
import type { CrashPointName } from '../../src/runtime/crash-point.ts'
import { seededRandom, type Random } from '../../src/runtime/random.ts'
import { Runner, type RunnerOptions } from './runner.ts'

export interface KillTurnsOptions extends Pick<RunnerOptions, 'cwd' | 'env'> {
  readonly kills: number
  readonly lanes: number
  /** Where runners kill themselves. */
  readonly points: readonly CrashPointName[]
  readonly seed: number
  /** Called after each kill, before the lane starts its next runner. */
  readonly onKill: () => Promise<void>
}

/**
 * How long a runner may take to reach its crash point before it is killed where it stands: as long as its start took,
 * because a busy machine is slow in both, and at least this.
 */
const leastPatienceMs = 4000
/** After its first start: most rounds let what an earlier one interrupted end. */
const shortestLifeMs = 200
const longestLifeMs = 800

/** The points a runner meets with every model job. */
export const frequentPoints: readonly CrashPointName[] = [
  'after-claim',
  'after-errand-start',
  'after-response',
  'after-spool',
  'after-errand-commit',
  'before-finish',
  'after-finish',
]

export class KillTurns {
  readonly runners: Runner[] = []
  readonly #options: KillTurnsOptions
  readonly #random: Random
  /** Killed from outside. */
  readonly #byUs = new Set<Runner>()
  #started = 0

  constructor(options: KillTurnsOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  get kills(): number {
    return this.killed().length
  }

  killed(): readonly Runner[] {
    return this.runners.filter((runner) => runner.wasKilled)
  }

  /** How often each crash point struck. */
  struck(): ReadonlyMap<CrashPointName, number> {
    const counts = new Map<CrashPointName, number>(this.#options.points.map((name) => [name, 0]))
    for (const { crashPoint } of this.#selfKilled()) {
      if (crashPoint !== null) counts.set(crashPoint, (counts.get(crashPoint) ?? 0) + 1)
    }
    return counts
  }

  /** Runs until there were enough kills, or `goOn` says that there is nothing left to kill for. */
  async play(goOn: () => boolean): Promise<void> {
    const { lanes, kills } = this.#options
    const lane = async () => {
      while (this.#started < kills + lanes && this.kills < kills && goOn()) await this.#turn()
    }
    await Promise.all(Array.from({ length: lanes }, lane))
  }

  #selfKilled(): readonly Runner[] {
    return this.killed().filter((runner) => !this.#byUs.has(runner))
  }

  async #turn(): Promise<void> {
    const { cwd, env, onKill } = this.#options
    this.#started += 1
    const crashPoint = this.#started % 5 < 3 ? this.#nextPoint() : undefined
    const runner = new Runner({ cwd, env, ...(crashPoint === undefined ? {} : { crashPoint }) })
    this.runners.push(runner)
    if (crashPoint === undefined) await this.#live(runner)
    else await this.#reach(runner, crashPoint.name)
    if (runner.lives) {
      this.#byUs.add(runner)
      await runner.kill()
    }
    // One that ended otherwise was no kill: another turn makes up for it.
    if (!runner.wasKilled) this.#started -= 1
    await onKill()
  }

  /** Those that struck least come first, so that every one gets its turn. */
  #nextPoint(): NonNullable<RunnerOptions['crashPoint']> {
    const pending = this.runners.filter((runner) => runner.lives).map((runner) => runner.crashPoint)
    const times = [...this.struck()].map(([name, count]) => ({
      name,
      count: count + pending.filter((one) => one === name).length + this.#random.next() * 0.9,
    }))
    const [least] = times.toSorted((a, b) => a.count - b.count)
    const name = least?.name ?? 'after-claim'
    return { name, passage: frequentPoints.includes(name) ? 1 + Math.floor(this.#random.next() * 6) : 1 }
  }

  /** Now and then a runner dies before it starts anything. */
  async #live(runner: Runner): Promise<void> {
    const early = this.#random.next() < 0.1
    if (!early) await runner.working
    const lifeMs = early ? 0 : shortestLifeMs
    await Promise.race([runner.ended, pause(lifeMs + this.#random.next() * (longestLifeMs - shortestLifeMs))])
  }

  async #reach(runner: Runner, name: CrashPointName): Promise<void> {
    const startedAtMs = Date.now()
    await runner.working
    const patienceMs = Math.max(leastPatienceMs, Date.now() - startedAtMs)
    // It says goodbye only when it is asked to go.
    if (name === 'before-leave') runner.child.kill('SIGTERM')
    await Promise.race([runner.ended, pause(patienceMs)])
  }
}

/** Real time: the processes are real. */
export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
