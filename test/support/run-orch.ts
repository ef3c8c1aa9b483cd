import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { documentShapes } from '../../src/cli/schema-catalog.ts'
import type { StopSignal } from '../../src/runtime/signals.ts'
import { runMain } from '../../src/main.ts'

const root = new URL('../..', import.meta.url).pathname
/** The program, for tests that must hold its process in hand. Two levels up, here and where a torture run is bundled. */
export const orchProgram = join(root, 'bin/orch.js')

export interface OrchResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** The working directory; configuration, state and HOME live in hidden directories of its own. */
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** What is piped in. */
  readonly stdin?: string
  /** Ends the call as the signal would. */
  readonly signal?: AbortSignal
}

/** Nothing of the machine's user leaks into a test: no keys, no configuration, no detection of local servers. */
export function hermeticEnv(cwd: string, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const home = join(cwd, '.home')
  mkdirSync(home, { recursive: true })
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    ORCH_CONFIG_DIR: join(home, 'config'),
    ORCH_STATE_DIR: join(home, 'state'),
    ORCH_DETECT: 'off',
    ...extra,
  }
}

/**
 * Runs `main` in this process. Nobody can be asked: no stream is a terminal. Every `--json` document is held
 * to its published schema.
 */
export async function runOrch(argv: readonly string[], options: RunOptions): Promise<OrchResult> {
  let stdout = ''
  let stderr = ''
  const exitCode = await runMain(argv, {
    streams: {
      // A closed pipe: whoever reads it finds the end at once.
      stdin:
        options.stdin === undefined
          ? Object.assign(process.stdin, { isTTY: false })
          : (Readable.from([options.stdin]) as NodeJS.ReadStream),
      stdout: { isTTY: false, write: (text) => ((stdout += text), true) },
      stderr: { isTTY: false, write: (text) => ((stderr += text), true) },
    },
    env: hermeticEnv(options.cwd, options.env),
    cwd: options.cwd,
    signals: { listen: (listener) => listenTo(options.signal, listener) },
  })
  if (argv.includes('--json')) await expectPublishedShape(stdout)
  return { exitCode, stdout, stderr }
}

/** Each line of a `--json` call is a document or event of the published shape of its kind, and nothing else. */
async function expectPublishedShape(stdout: string): Promise<void> {
  const shapes = await documentShapes()
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const document = JSON.parse(line) as { readonly kind: string }
    const faults = shapes.get(document.kind)?.safeParse(document).error
    expect(faults, `${document.kind} differs from its schema: ${faults?.message}`).toBeUndefined()
  }
}

function listenTo(signal: AbortSignal | undefined, listener: (signal: StopSignal) => void): () => void {
  const stop = () => listener('SIGINT')
  // One that came before anybody listened is kept, as a process keeps it.
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop)
  return () => signal?.removeEventListener('abort', stop)
}

/** Runs `bin/orch.js` in a process of its own, with stdin closed. `dist/` is built by the global setup. */
export function runOrchProcess(argv: readonly string[], options: RunOptions): Promise<OrchResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [orchProgram, ...argv], {
      cwd: options.cwd,
      env: hermeticEnv(options.cwd, options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
      signal: options.signal,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ exitCode: code ?? (signal === null ? 1 : 130), stdout, stderr }))
  })
}

/** The bit of SIGHUP (1) in a signal mask: Node itself never catches it, so whoever does is the program. */
const hangupBit = 1n

/**
 * Waits for the program's first line, from which on it answers for its signals; what comes earlier meets Node or
 * the system. Where there is no /proc, for as long as Node takes to start.
 */
export async function listensToSignals(child: Pick<ChildProcess, 'pid' | 'exitCode'>): Promise<void> {
  const status = `/proc/${child.pid}/status`
  if (!existsSync('/proc/self/status')) return pause(200)
  for (let round = 0; round < 2000 && child.exitCode === null; round++) {
    const caught = /^SigCgt:\s*([0-9a-f]+)/m.exec(await readFile(status, 'utf8').catch(() => ''))?.[1] ?? '0'
    if ((BigInt(`0x${caught}`) & hangupBit) !== 0n) return
    await pause(2)
  }
}

/** Like `runOrch`, for steps that must succeed: otherwise throws what the command printed. */
export async function runOrchDone(argv: readonly string[], options: RunOptions): Promise<OrchResult> {
  const result = await runOrch(argv, options)
  if (result.exitCode === 0) return result
  throw new Error(`orch ${argv.join(' ')} ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`)
}

/** The one JSON document of a `--json` call. Fails where stdout holds anything else. */
export function documentOf<T = unknown>(result: OrchResult): OrchDocument<T> {
  return JSON.parse(result.stdout) as OrchDocument<T>
}

export interface OrchDocument<T> {
  readonly kind: string
  readonly version: number
  readonly data: T
  readonly warnings: readonly { readonly message: string; readonly hint?: string }[]
}
