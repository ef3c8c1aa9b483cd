import type { Evidence, JobFailure } from '../domain/job.ts'
import { OrchError, errorMessage } from '../errors/orch-error.ts'
import type { Attempt, Outcome } from './attempt.ts'
import type { AttemptScene } from './attempt-scene.ts'
import { CommandWatch } from './command-watch.ts'
import type { ExecutionDeps } from './execution-deps.ts'
import { runAgent } from './executors/agent.ts'
import { runCommandJob } from './executors/command.ts'
import { runLlm } from './executors/llm.ts'
import { failedWork, type FinishedWork, type Work } from './executors/work-result.ts'
import { Journal } from './journal.ts'
import { outcomeOfAbort } from './outcome-of-send.ts'
import { isAway, patientDeps } from './patience.ts'
import { readBaseline, type Baseline } from './verification/baseline.ts'
import { verify } from './verification/verify.ts'
import { Watchdog, type Vitals } from './watchdog.ts'

/** Who works on a job whose plan names no role. */
const defaultRole = 'general_worker'

/**
 * Runs one attempt of a job: its executor inside the journal, then the evidence. Does not end the attempt: the
 * outcome is for the scheduler to write. Throws only bugs and database failures other than an outage.
 */
export async function executeAttempt(deps: ExecutionDeps, given: Attempt): Promise<Outcome> {
  const watchdog = new Watchdog(deps.limits)
  const attempt = { ...given, signal: AbortSignal.any([given.signal, watchdog.signal]) }
  try {
    return watchdog.judge(await run(patientDeps(deps, attempt.signal), attempt, watchdog), attempt.signal)
  } catch (error) {
    if (!given.signal.aborted && isAway(deps.calls.database.dialect.classify(error))) return databaseAway(error)
    if (attempt.signal.aborted) return watchdog.judge(outcomeOfAbort(attempt.signal), attempt.signal)
    const outcome = outcomeOfError(error)
    if (outcome === null) throw error
    return outcome
  } finally {
    watchdog.close()
  }
}

/** The attempt's time ran out while it waited for the database: its try goes on when that is back. */
function databaseAway(error: unknown): Outcome {
  return { kind: 'released', reason: `the database was away: ${errorMessage(error)}`, outage: true }
}

async function run(deps: ExecutionDeps, attempt: Attempt, vitals: Vitals): Promise<Outcome> {
  const workspace = await deps.openWorkspace(attempt.project.workspace)
  const journal = await Journal.open(deps.calls, attempt, vitals)
  const commands = new CommandWatch({ deps, attempt, workspace, vitals })
  const scene: AttemptScene = { deps, attempt, journal, workspace, commands }
  const baseline = await readBaseline(scene)
  if (baseline.kind === 'ended') return baseline.outcome
  const work = await runExecutor(scene)
  if (work.kind === 'ended') return work.outcome
  return judge(scene, work, baseline.output)
}

async function runExecutor(scene: AttemptScene): Promise<Work> {
  const { plan, executor } = scene.attempt.job
  switch (plan.executor) {
    case 'command':
      return runCommandJob(scene)
    case 'agent':
      return runAgent(scene, await scene.deps.roles.get(plan.role ?? defaultRole))
    case 'llm':
      return runLlm(scene, await scene.deps.roles.get(plan.role ?? defaultRole))
    default:
      // The row may come from a newer orch.
      return failedWork('config', `the executor "${executor}" is not in this version`, { retryable: false })
  }
}

async function judge(scene: AttemptScene, work: FinishedWork, baseline: Baseline): Promise<Outcome> {
  const { evidence, passed, files } = await verify(scene, { work, baseline })
  const { summary, claims, reply, rehearsed } = work
  if (passed) return { kind: 'completed', result: { summary, files, claims, reply }, evidence, rehearsed }
  return { kind: 'failed', failure: failureOf(work, evidence), retryable: true }
}

function failureOf(work: FinishedWork, evidence: readonly Evidence[]): JobFailure {
  const failed = evidence.filter(({ passed }) => !passed)
  const exit = failed.find(({ check }) => check === 'exit')
  const message = failed.map(({ id, found }) => `${id}: ${found}`).join('; ')
  if (exit !== undefined) {
    const output = tail(work.reply ?? '')
    return {
      errorClass: 'command',
      message,
      evidence: evidence.map((one) => (one === exit ? { ...one, output } : one)),
    }
  }
  return { errorClass: 'evidence', message, evidence }
}

const tailBytes = 2000

function tail(text: string): string {
  return text.slice(-tailBytes)
}

/** Failures that orch understands and that say something about the job; null for the rest. */
function outcomeOfError(error: unknown): Outcome | null {
  if (!(error instanceof OrchError)) return null
  const { code, message, hint } = error
  const errorClass = errorClassOf(code)
  if (errorClass === null) return null
  return {
    kind: 'failed',
    failure: { errorClass, message, ...(hint === undefined ? {} : { hint }), evidence: [] },
    retryable: false,
  }
}

function errorClassOf(code: OrchError['code']): 'workspace' | 'config' | null {
  switch (code) {
    case 'ORCH_WORKSPACE_INVALID':
    case 'ORCH_OUTSIDE_WORKSPACE':
    case 'ORCH_FILE_UNREADABLE':
      return 'workspace'
    case 'ORCH_NOT_FOUND':
    case 'ORCH_CONFIG_INVALID':
    case 'ORCH_CONFIG_UNTRUSTED':
    case 'ORCH_CREDENTIAL_MISSING':
    case 'ORCH_NO_PROVIDER':
      return 'config'
    default:
      return null
  }
}
