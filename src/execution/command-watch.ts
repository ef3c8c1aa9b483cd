/** Runs an attempt's commands and notices which files they changed outside the job's `writes`. */
import { readConcurrentWriters } from '../database/queries/concurrent-writers.ts'
import type { AttemptKey } from '../database/queries/fence.ts'
import type { Argv } from '../domain/plan.ts'
import { matchesAnyGlob } from '../workspace/glob.ts'
import type { CommandResult } from '../workspace/run-command.ts'
import { compareSnapshots } from '../workspace/snapshot.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Attempt } from './attempt.ts'
import type { ExecutionDeps } from './execution-deps.ts'
import { patiently } from './patience.ts'
import type { Vitals } from './watchdog.ts'
import { writableGlobs } from './writable-globs.ts'

/** Marks every process of an attempt, so that rescue finds what survived its scheduler. */
export function attemptToken(jobId: string, attempt: number): string {
  return `${jobId}:${attempt}`
}

/** Whether a mark is that of an attempt of the job before this one. */
export function isEarlierAttempt(token: string, { jobId, attempt }: AttemptKey): boolean {
  const at = token.lastIndexOf(':')
  return token.slice(0, at) === jobId && Number(token.slice(at + 1)) < attempt
}

export interface WatchedCommand {
  readonly result: CommandResult
  /** Changed by the command, as far as anyone can tell, and outside the job's `writes`. */
  readonly strayFiles: readonly string[]
}

const mostStrayFiles = 50

interface CommandScene {
  readonly deps: ExecutionDeps
  readonly attempt: Attempt
  readonly workspace: Workspace
  readonly vitals: Vitals
}

export class CommandWatch {
  readonly #deps: ExecutionDeps
  readonly #attempt: Attempt
  readonly #workspace: Workspace
  readonly #vitals: Vitals

  constructor({ deps, attempt, workspace, vitals }: CommandScene) {
    this.#deps = deps
    this.#attempt = attempt
    this.#workspace = workspace
    this.#vitals = vitals
  }

  /** Runs a check or a command whose changes are nobody's business. */
  run(argv: Argv, timeoutMs: number): Promise<CommandResult> {
    const { job, number, signal } = this.#attempt
    const token = attemptToken(job.id, number)
    const onOutput = () => this.#vitals.alive()
    this.#vitals.alive(`the command ${argv[0]}`, timeoutMs)
    return this.#deps.runCommand(argv, { cwd: this.#workspace.root, timeoutMs, signal, attemptToken: token, onOutput })
  }

  /** Runs a command of the worker. */
  async watch(argv: Argv, timeoutMs: number): Promise<WatchedCommand> {
    const writes = writableGlobs(this.#attempt.job.plan)
    if (writes === null) return { result: await this.run(argv, timeoutMs), strayFiles: [] }
    const { calls } = this.#deps
    const startedMs = await patiently(calls, this.#attempt.signal, () => calls.database.now())
    const before = await this.#workspace.snapshot()
    const result = await this.run(argv, timeoutMs)
    const after = await this.#workspace.snapshot()
    // Where a snapshot was cut, a file that is not in it may exist all the same.
    const whole = before.complete && after.complete
    const changes = compareSnapshots(before, after).filter(({ change }) => whole || change === 'changed')
    const outside = changes.map(({ path }) => path).filter((path) => !matchesAnyGlob(writes, path))
    const strayFiles = outside.length === 0 ? [] : await this.#notOfOthers(outside, startedMs)
    return { result, strayFiles: strayFiles.slice(0, mostStrayFiles) }
  }

  /** Other jobs work in the same directory at the same time; their files are theirs. */
  async #notOfOthers(paths: readonly string[], sinceMs: number): Promise<readonly string[]> {
    const { calls } = this.#deps
    const missing = await calls.tables.missing(['attempts', 'jobs', 'projects'])
    if (missing.length > 0) return paths
    const { job, project } = this.#attempt
    const place = { jobId: job.id, workspace: project.workspace, sinceMs }
    const read = () => readConcurrentWriters(calls.database.db, place)
    const others = (await patiently(calls, this.#attempt.signal, read)).map(writableGlobs)
    if (others.includes(null)) return []
    return paths.filter((path) => !others.some((globs) => globs !== null && matchesAnyGlob(globs, path)))
  }
}
