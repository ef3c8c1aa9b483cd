/** One `orch jobs run` of the real program, with what a killer has to know about it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { crashPointVariable, type CrashPointName } from '../../src/runtime/crash-point.ts'
import { hermeticEnv } from '../support/run-orch.ts'

const bin = new URL('../../bin/orch.js', import.meta.url).pathname

export interface RunnerOptions {
  readonly cwd: string
  /** Names the database. */
  readonly env: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  readonly crashPoint?: { readonly name: CrashPointName; readonly passage: number }
}

export class Runner {
  readonly child: ChildProcess
  readonly crashPoint: CrashPointName | null
  /** Epoch milliseconds of the first job it started; null before. */
  workingAtMs: number | null = null
  /** Epoch milliseconds of its end, as this process learnt of it, or of the kill; null while it lives. */
  endedAtMs: number | null = null
  stderr = ''
  readonly working: Promise<void>
  readonly ended: Promise<void>

  constructor({ cwd, env, flags = [], crashPoint }: RunnerOptions) {
    const point = crashPoint === undefined ? '' : `${crashPoint.name}:${crashPoint.passage}`
    const child = spawn(process.execPath, [bin, 'jobs', 'run', '--concurrency', '4', '--json', ...flags], {
      cwd,
      env: hermeticEnv(cwd, { ...env, [crashPointVariable]: point }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    this.crashPoint = crashPoint?.name ?? null
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-2000)))
    this.ended = new Promise((resolve) => {
      child.once('exit', () => {
        this.endedAtMs ??= Date.now()
        resolve()
      })
    })
    const working = new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (this.workingAtMs !== null || !text.includes('"started"')) return
        this.workingAtMs = Date.now()
        resolve()
      })
    })
    this.working = Promise.race([working, this.ended])
  }

  get lives(): boolean {
    return this.endedAtMs === null
  }

  /** Whether it died of SIGKILL, from outside or at its crash point. */
  get wasKilled(): boolean {
    return this.child.signalCode === 'SIGKILL'
  }

  /** Lived and worked from one instant to the other, so that it could rescue what was left in between. */
  workedThrough(fromMs: number, toMs: number): boolean {
    return this.workingAtMs !== null && this.workingAtMs <= fromMs && (this.endedAtMs ?? Infinity) >= toMs
  }

  async kill(): Promise<void> {
    this.endedAtMs ??= Date.now()
    this.child.kill('SIGKILL')
    await this.ended
  }
}
