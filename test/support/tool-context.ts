import type { Argv } from '../../src/domain/plan.ts'
import type { ToolContext } from '../../src/execution/tools/tool.ts'
import type { CommandResult } from '../../src/workspace/run-command.ts'
import type { Workspace } from '../../src/workspace/workspace.ts'

/** A tool context whose commands are only noted, never run. */
export function toolContext(
  workspace: Workspace,
  overrides: Partial<ToolContext> = {},
): { context: ToolContext; ran: readonly Argv[] } {
  const ran: Argv[] = []
  const context: ToolContext = {
    workspace,
    writes: null,
    commands: { commands: [], binaries: [], denied: [] },
    runCommand: (argv) => {
      ran.push(argv)
      return Promise.resolve(commandResult())
    },
    commandTimeoutMs: 60_000,
    signal: new AbortController().signal,
    ...overrides,
  }
  return { context, ran }
}

/** A command that ended well. */
export function commandResult(overrides: Partial<CommandResult> = {}): CommandResult {
  return {
    exitCode: 0,
    signal: null,
    failure: null,
    output: '',
    omittedBytes: 0,
    timedOut: false,
    aborted: false,
    durationMs: 1,
    ...overrides,
  }
}
