/** Several runners on a database that comes and goes, and what each of them said about it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OrchRunner, type RunnerEvent, type RunnerOptions } from '../support/orch-runner.ts'
import { pause } from './kill-turns.ts'
import { atMost, noted, type Figure, type Size } from './line.ts'

/** What an outage promises. */
export const resumeWithinMs = 5000

/** A time with its bound in milliseconds; the short form only tells, because other tests keep the machine busy. */
export function timeFigure(size: Size, name: string, time: { readonly ms: number; readonly limit: number }): Figure {
  return size === 'short' ? noted(`${name}, ms`, time.ms) : atMost(name, time.ms, { limit: time.limit, unit: 'ms' })
}

/** One time that the database was away, as `performance.now()`. */
export interface Absence {
  readonly fromMs: number
  readonly toMs: number
}

export class OutageRunners {
  readonly #options: RunnerOptions
  /** The spool, which an outage fills: outside the workspace, as a user's is, where jobs are judged by its files. */
  readonly #stateDir = mkdtempSync(join(tmpdir(), 'orch-torture-state-'))
  readonly #all: OrchRunner[] = []
  readonly #killed = new Set<OrchRunner>()

  constructor(options: RunnerOptions, count: number) {
    this.#options = { ...options, env: { ...options.env, ORCH_STATE_DIR: this.#stateDir } }
    for (let index = 0; index < count; index += 1) this.#all.push(new OrchRunner(this.#options))
  }

  get kills(): number {
    return this.#killed.size
  }

  /** Runners that ended although nobody killed them. */
  get deserters(): readonly OrchRunner[] {
    return this.#all.filter((runner) => !runner.isRunning && !this.#killed.has(runner))
  }

  /** kill -9 of the oldest one that runs; another takes its place. */
  async killOne(): Promise<void> {
    const victim = this.#all.find((runner) => runner.isRunning)
    if (victim === undefined) return
    this.#killed.add(victim)
    await victim.kill()
    this.#all.push(new OrchRunner(this.#options))
  }

  /** Kills what is left, and leaves nothing behind. */
  async end(): Promise<void> {
    for (const runner of this.#all.filter((one) => one.isRunning)) {
      this.#killed.add(runner)
      await runner.kill()
    }
    rmSync(this.#stateDir, { recursive: true, force: true })
  }

  /** Waits until something was started after that instant; false after `withinMs`. */
  async startSince(atMs: number, withinMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + withinMs
    while (performance.now() < giveUpAt) {
      if (this.#firstStart(atMs) !== null) return true
      await pause(20)
    }
    return false
  }

  /** From the database's return to the first claim, in milliseconds; infinite where none came. */
  resumedAfterMs({ toMs }: Absence): number {
    return (this.#firstStart(toMs) ?? Number.POSITIVE_INFINITY) - toMs
  }

  /** Outages said by any runner. */
  saidBetween(fromMs: number, toMs: number): readonly RunnerEvent[] {
    return this.#all.flatMap(({ events }) =>
      events.filter(({ event, readAtMs }) => event === 'outage' && readAtMs >= fromMs && readAtMs <= toMs),
    )
  }

  /** How often a runner said a cause again that it had said during the same absence. */
  repetitions(absences: readonly Absence[]): number {
    let repeated = 0
    for (const [index, { fromMs }] of absences.entries()) {
      const untilMs = absences[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY
      for (const { events } of this.#all) {
        const causes = events
          .filter(({ event, readAtMs }) => event === 'outage' && readAtMs >= fromMs && readAtMs < untilMs)
          .map(({ cause }) => cause)
        repeated += causes.length - new Set(causes).size
      }
    }
    return repeated
  }

  #firstStart(sinceMs: number): number | null {
    const starts = this.#all.flatMap(({ events }) =>
      events
        .filter(({ event, readAtMs }) => event === 'started' && readAtMs >= sinceMs)
        .map(({ readAtMs }) => readAtMs),
    )
    return starts.length === 0 ? null : Math.min(...starts)
  }
}
