/** The command executor: one argv, no shell, no model. */
import type { CommandResult } from '../../workspace/run-command.ts'
import { report, type AttemptScene } from '../attempt-scene.ts'
import { toolStep } from '../tool-step.ts'
import { failedWork, type Work } from './work-result.ts'

interface CommandOutput {
  readonly result: Pick<CommandResult, 'exitCode' | 'signal' | 'failure' | 'output' | 'timedOut' | 'durationMs'>
  readonly strayFiles: readonly string[]
}

const defaultTimeoutMs = 30 * 60_000

/** Runs the command of a job once per try. */
export async function runCommandJob(scene: AttemptScene): Promise<Work> {
  const { attempt, journal, commands, deps } = scene
  const { run, timeoutMs, repeatable } = attempt.job.plan
  if (run === null) return failedWork('config', 'a command job without a command', { retryable: false })
  report(scene, { kind: 'command', name: run[0] })
  const step = await toolStep<CommandOutput>(journal, {
    spec: { taskOrdinal: 1, kind: 'command', name: run[0], request: { argv: run } },
    effect: { kind: 'command', repeatable },
    work: async () => {
      const { result, strayFiles } = await commands.watch(run, timeoutMs ?? defaultTimeoutMs)
      // A killed command has no result; left as started, the next attempt judges it.
      attempt.signal.throwIfAborted()
      const { exitCode, signal, failure, timedOut, durationMs } = result
      const output = deps.calls.redact(result.output)
      return { result: { exitCode, signal, failure, output, timedOut, durationMs }, strayFiles }
    },
    alreadyDone: () => ({ result: nothing, strayFiles: [] }),
  })
  if (step.kind === 'ended') return step
  const { result, strayFiles } = step.output
  if (result.failure !== null) {
    const { message, hint } = result.failure
    return failedWork('command', message, { hint, retryable: false })
  }
  return {
    kind: 'finished',
    summary: summaryOf(run, result),
    claims: [],
    reply: result.output,
    exit: result,
    strayFiles,
    writtenFiles: [],
    rehearsed: false,
  }
}

const nothing = { exitCode: null, signal: null, failure: null, output: '', timedOut: false, durationMs: 0 } as const

/** The last lines usually tell what happened. */
const summaryLines = 5
/** Summaries go into the prompts of later jobs: a long argv, such as a whole script, or a long line must not. */
const mostCommandText = 100
const mostTailText = 2000

function summaryOf(run: readonly string[], { exitCode, output }: CommandOutput['result']): string {
  const tail = output.trimEnd().split('\n').slice(-summaryLines).join('\n')
  return `${commandText(run)} ended with exit code ${exitCode}${tail === '' ? '' : `\n${cutStart(tail)}`}`
}

/** The beginning of the command, on one line. */
function commandText(run: readonly string[]): string {
  const text = run.join(' ').replaceAll(/\s+/g, ' ')
  return text.length <= mostCommandText ? text : `${text.slice(0, mostCommandText)}...`
}

function cutStart(text: string): string {
  return text.length <= mostTailText ? text : `...${text.slice(-mostTailText)}`
}
