import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs'
import type { Argv } from '../domain/plan.ts'
import { errorMessage, systemErrorCode } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import { CappedOutput } from './capped-output.ts'
import { childEnvironment } from './child-environment.ts'
import { attemptVariable, commandVariable, killTree, type TreeMark } from './process-tree.ts'

export interface RunCommandOptions {
  readonly cwd: string
  /** Where the allowed variables are taken from: usually `context.env`. The child sees no others. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Bytes of output kept, half from the start and half from the end. Default 64 KiB. */
  readonly outputLimitBytes?: number
  /** Marks every process of the attempt, so that `killAttempt` finds what survives this process. */
  readonly attemptToken: string
  /** Told of every piece of output: the program is alive. */
  readonly onOutput?: () => void
  readonly clock: Clock
  /** Called as soon as the program runs. */
  readonly onStart?: () => void
}

/** Why a command did not start. */
export interface CommandFailure {
  readonly reason: 'not_found' | 'not_executable' | 'no_directory' | 'other'
  readonly message: string
  readonly hint: string
}

/** How a command ended. Exactly one of `exitCode`, `signal` and `failure` is set. */
export interface CommandResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly failure: CommandFailure | null
  /** Standard output and error as they came, head and tail kept. */
  readonly output: string
  readonly omittedBytes: number
  readonly timedOut: boolean
  readonly aborted: boolean
  readonly durationMs: number
}

const defaultOutputLimitBytes = 64 * 1024
let commandsStarted = 0

/**
 * Runs one program and waits for it: no shell, the exact argv, an empty environment plus an allow list, no standard
 * input, no inherited descriptors, a process group of its own. When it ends, by itself, by `timeoutMs` or by the
 * signal, its whole tree is killed, so nothing outlives the call (limits: see `killAttempt`). Never throws for how a
 * command ends or fails to start.
 */
export async function runCommand(argv: Argv, options: RunCommandOptions): Promise<CommandResult> {
  const startedAt = options.clock.monotonic()
  const output = new CappedOutput(options.outputLimitBytes ?? defaultOutputLimitBytes)
  const ended = (end: CommandEnd): CommandResult => ({
    ...end,
    output: output.text(),
    omittedBytes: output.omittedBytes,
    durationMs: Math.round(options.clock.monotonic() - startedAt),
  })
  if (options.signal.aborted) return ended({ ...notStarted, signal: 'SIGKILL', aborted: true })
  const mark = nextMark(options.attemptToken)
  let child: ChildProcess
  try {
    child = start(argv, options, mark)
  } catch (error) {
    return ended({ ...notStarted, failure: failureOf(argv, options.cwd, error) })
  }
  const receive = (chunk: Buffer): void => {
    output.add(chunk)
    options.onOutput?.()
  }
  child.stdout?.on('data', receive)
  child.stderr?.on('data', receive)
  if (child.pid !== undefined) options.onStart?.()
  return ended(await supervise(child, { argv, options, mark }))
}

type CommandEnd = Pick<CommandResult, 'exitCode' | 'signal' | 'failure' | 'timedOut' | 'aborted'>

const notStarted: CommandEnd = {
  exitCode: null,
  signal: null,
  failure: null,
  timedOut: false,
  aborted: false,
}

interface Supervision {
  readonly argv: Argv
  readonly options: RunCommandOptions
  readonly mark: TreeMark
}

/** Waits for the end, brings it about when the time is up, and cleans up after it in every case. */
async function supervise(child: ChildProcess, { argv, options, mark }: Supervision): Promise<CommandEnd> {
  const settled = new AbortController()
  const closed = once(child, 'close').catch(() => undefined)
  const exit = new Promise<Pick<CommandEnd, 'exitCode' | 'signal' | 'failure'>>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, failure: null }))
    child.once('error', (error) => {
      // An error after the start (a failed kill) is not the end: 'exit' will still come.
      if (child.pid === undefined) resolve({ ...notStarted, failure: failureOf(argv, options.cwd, error) })
    })
  })
  const tree = child.pid === undefined ? mark : { ...mark, group: child.pid }
  const cut = await Promise.race([
    exit.then(() => 'exit' as const),
    options.clock.sleep(options.timeoutMs, settled.signal).then(() => 'timeout' as const),
    aborted(options.signal, settled.signal).then(() => 'abort' as const),
  ])
  settled.abort()
  if (child.pid !== undefined) await killTree(tree)
  const end = await exit
  await drain(child, closed)
  return { ...end, timedOut: cut === 'timeout', aborted: cut === 'abort' }
}

/**
 * Takes what is still in the pipes. With the tree gone they close by themselves; a survivor that cannot be found
 * (outside Linux) would hold them open for ever, so the wait is bounded. Real time, not `Clock`: it bounds the kernel.
 */
async function drain(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const patience = AbortSignal.timeout(500)
  await Promise.race([closed, aborted(patience, patience)])
  child.stdout?.destroy()
  child.stderr?.destroy()
}

/** Resolves when `signal` aborts; forgotten when `forget` aborts, so that long-lived signals collect no listeners. */
function aborted(signal: AbortSignal, forget: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const listener = (): void => resolve()
    signal.addEventListener('abort', listener, { once: true })
    if (forget === signal) return
    forget.addEventListener('abort', () => signal.removeEventListener('abort', listener), {
      once: true,
    })
  })
}

type CommandMark = TreeMark & { readonly value: string }

function nextMark(attemptToken: string): CommandMark {
  commandsStarted += 1
  return { variable: commandVariable, value: `${attemptToken}.${process.pid}.${commandsStarted}` }
}

function start(argv: Argv, options: RunCommandOptions, mark: CommandMark): ChildProcess {
  const [program, ...rest] = argv
  const shadow = shadowedDescriptors()
  try {
    return spawn(program, rest, {
      cwd: options.cwd,
      env: {
        ...childEnvironment(options.env, { cwd: options.cwd }),
        [attemptVariable]: options.attemptToken,
        [mark.variable]: mark.value,
      },
      stdio: shadow.stdio,
      detached: true,
      shell: false,
      windowsHide: true,
    })
  } finally {
    shadow.close()
  }
}

/**
 * Node opens its own descriptors close-on-exec, but one that it inherited itself would pass on to every child.
 * Those are covered with the null device (found on Linux by their flags in /proc; open(2): O_CLOEXEC is 02000000).
 */
function shadowedDescriptors(): { stdio: StdioOptions; close: () => void } {
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe']
  const inherited = inheritedDescriptors()
  if (inherited.length === 0) return { stdio, close: () => {} }
  const nothing = openSync('/dev/null', 'r')
  for (const descriptor of inherited) {
    while (stdio.length < descriptor) stdio.push('ignore')
    stdio[descriptor] = nothing
  }
  return { stdio, close: () => closeSync(nothing) }
}

function inheritedDescriptors(): number[] {
  try {
    return readdirSync('/proc/self/fdinfo')
      .map(Number)
      .filter((descriptor) => descriptor > 2 && passesOn(descriptor))
      .toSorted((a, b) => a - b)
  } catch {
    return []
  }
}

function passesOn(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1] ?? '0'
    return (Number.parseInt(flags, 8) & 0o2000000) === 0
  } catch {
    return false
  }
}

function failureOf(argv: Argv, cwd: string, error: unknown): CommandFailure {
  const program = argv[0]
  if (!existsSync(cwd)) {
    const hint = 'Create the directory, or name another workspace.'
    return { reason: 'no_directory', message: `the working directory ${cwd} does not exist`, hint }
  }
  switch (systemErrorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        reason: 'not_found',
        message: `${program} was not found`,
        hint: `Install ${program}, or put its directory on PATH. Programs inside the workspace are not found by name.`,
      }
    case 'EACCES':
      return {
        reason: 'not_executable',
        message: `${program} may not be executed`,
        hint: 'Make it executable, or run it through its interpreter.',
      }
    default:
      return {
        reason: 'other',
        message: `${program} did not start: ${errorMessage(error)}`,
        hint: 'Check the argv.',
      }
  }
}
