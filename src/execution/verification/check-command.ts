import type { Evidence } from '../../domain/job.ts'
import type { Check } from '../../domain/plan.ts'
import type { AttemptScene } from '../attempt-scene.ts'

const tailBytes = 2000

/**
 * A command of the approved plan exits with 0 in its time. Evidence is gathered anew whenever it is needed,
 * so a check is no errand: an interrupted one is simply run again.
 */
export async function checkCommand(
  { commands, deps }: AttemptScene,
  { id, run, timeoutMs }: Extract<Check, { check: 'command' }>,
): Promise<Evidence> {
  const result = await commands.run(run, timeoutMs)
  const passed = result.exitCode === 0 && !result.timedOut
  const output = deps.calls.redact(result.output).slice(-tailBytes)
  return { id, check: 'command', passed, found: `${run.join(' ')}: ${endOf(result, timeoutMs)}`, output }
}

function endOf(
  { failure, timedOut, exitCode, signal }: Awaited<ReturnType<AttemptScene['commands']['run']>>,
  timeoutMs: number,
): string {
  if (failure !== null) return failure.message
  if (timedOut) return `stopped after ${timeoutMs / 1000} s`
  return exitCode === null ? `ended by ${signal ?? 'a signal'}` : `exit code ${exitCode}`
}
