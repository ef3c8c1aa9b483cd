import * as z from 'zod'
import type { Argv } from '../../domain/plan.ts'
import type { CommandResult } from '../../workspace/run-command.ts'
import { commandFault, describeCommands } from './command-permission.ts'
import { defineTool, failure, type ToolResult } from './tool.ts'

/** Runs one of the allowed commands in the workspace. */
export const runTool = defineTool({
  name: 'run',
  description:
    'Runs one of the allowed commands in the workspace and answers its exit code and output. argv is the exact list of ' +
    'program and arguments; there is no shell, so no pipes, redirections, variables or &&.',
  input: z.strictObject({
    argv: z.array(z.string()).min(1).describe('Program and arguments, for example ["npm", "test"]'),
    timeout_seconds: z.int().min(1).optional().describe('Give up after so many seconds'),
  }),
  effect: 'command',
  work: async ({ argv, timeout_seconds: timeoutSeconds }, context) => {
    const fault = commandFault(argv, context.commands)
    if (fault !== null) {
      return failure(`${JSON.stringify(argv)} was not run: ${fault}.\n${describeCommands(context.commands)}`)
    }
    const [program = '', ...rest] = argv
    const exact: Argv = [program, ...rest]
    const timeoutMs = Math.min(context.commandTimeoutMs, (timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000)
    const result = await context.runCommand(exact, { timeoutMs })
    context.signal.throwIfAborted()
    return answer(result, timeoutMs)
  },
})

function answer(result: CommandResult, timeoutMs: number): ToolResult {
  if (result.failure !== null) return failure(`${result.failure.message}\n${result.failure.hint}`)
  const output = result.output.trimEnd()
  const end = result.timedOut
    ? `stopped after ${timeoutMs / 1000} s`
    : result.exitCode === null
      ? `ended by ${result.signal ?? 'a signal'}`
      : `exit code ${result.exitCode}`
  return { output: output === '' ? `${end}, no output` : `${end}\n${output}`, failed: result.exitCode !== 0 }
}
