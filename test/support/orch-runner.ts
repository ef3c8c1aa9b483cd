/** The built program's `orch jobs run` as a process of its own, with its events read as they come. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { hermeticEnv } from './run-orch.ts'

const bin = new URL('../../bin/orch.js', import.meta.url).pathname

export interface RunnerEvent {
  readonly event: string
  readonly job?: string
  readonly state?: string
  readonly cause?: string
  readonly message?: string
  /** When it was read, as `performance.now()` of this process. */
  readonly readAtMs: number
}

export interface RunnerOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
}

/** Start it, and `kill` it at the end whatever happened. */
export class OrchRunner {
  readonly events: RunnerEvent[] = []
  readonly ended: Promise<number | null>
  stderr = ''
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()

  constructor({ cwd, env, flags = [] }: RunnerOptions) {
    const argv = [bin, 'jobs', 'run', '--json', ...flags]
    const options = { cwd, env: hermeticEnv(cwd, env), stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] }
    const child = spawn(process.execPath, argv, options)
    this.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.ended = new Promise((resolve) => {
      child.once('exit', (code) => {
        resolve(code)
        this.#wake()
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The first event from `since` on (an index into `events`) that fits; null when the process or the time ended first. */
  async next(since: number, fits: (event: RunnerEvent) => boolean, withinMs: number): Promise<RunnerEvent | null> {
    const giveUpAt = performance.now() + withinMs
    for (;;) {
      const found = this.events.slice(since).find(fits)
      if (found !== undefined) return found
      const leftMs = giveUpAt - performance.now()
      if (leftMs <= 0 || !this.isRunning) return null
      await this.#somethingWithin(leftMs)
    }
  }

  /** kill -9, and the end of the process. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #read(line: string): void {
    try {
      const { data } = JSON.parse(line) as { readonly data: Omit<RunnerEvent, 'readAtMs'> }
      this.events.push({ ...data, readAtMs: performance.now() })
      this.#wake()
    } catch {
      // The last line of a killed process may be cut.
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #somethingWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#waiting.add(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
