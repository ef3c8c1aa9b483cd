import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { MigratorOrder, MigratorReport } from './migrator-runner.ts'

/** A process that lives on and migrates whenever it is told to; see `migrator-runner.ts`. */
export class MigratorProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #ready: Promise<unknown>
  readonly #closed: Promise<unknown>
  #stderr = ''

  /** @param temporary the one directory for temporary files that it knows. */
  constructor(script: string, temporary: string) {
    mkdirSync(temporary, { recursive: true })
    this.#child = spawn(process.execPath, [script], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: temporary },
    })
    const { stdin, stdout, stderr } = this.#child
    stdin?.on('error', () => {})
    stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-2000)))
    this.#closed = once(this.#child, 'close')
    this.#lines = createInterface({ input: stdout ?? process.stdin })[Symbol.asyncIterator]()
    this.#ready = this.#lines.next()
  }

  ready(): Promise<unknown> {
    return this.#ready
  }

  /** Starts a run and does not wait. */
  tell(order: MigratorOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  /** What the run that was told of last reports, or null when the process died on it. */
  async report(): Promise<MigratorReport | null> {
    const { value, done } = await this.#lines.next()
    if (done !== true) return JSON.parse(value) as MigratorReport
    await this.#closed
    if (this.#child.signalCode === 'SIGKILL') return null
    throw new Error(`The migrator ended with ${this.#child.exitCode}: ${this.#stderr}`)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  /** Lets it end by itself. */
  async end(): Promise<void> {
    this.#child.stdin?.end()
    await this.#closed
  }
}

/** Hands out processes that have started already, so that nobody waits for a start. */
export class MigratorSupply {
  readonly #make: () => MigratorProcess
  readonly #waiting: MigratorProcess[]

  constructor(make: () => MigratorProcess, size: number) {
    this.#make = make
    this.#waiting = Array.from({ length: size }, make)
  }

  async take(): Promise<MigratorProcess> {
    this.#waiting.push(this.#make())
    const next = this.#waiting.shift() ?? this.#make()
    await next.ready()
    return next
  }

  async close(): Promise<void> {
    await Promise.all(this.#waiting.splice(0).map((one) => one.kill()))
  }
}
