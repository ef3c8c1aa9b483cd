/** Shell completion over the command tree itself, so that it can never lag behind it. */
import { buildProgram } from './program.ts'

/** The script that a shell loads. It calls `orch completion complete -- <words>` for every question. */
export async function completionScript(shell: string): Promise<string> {
  const { script } = await import('@bomb.sh/tab')
  return captured(() => script(shell, 'orch', 'orch completion'))
}

/** Completions for the words typed so far (the last one may be empty), one a line, in the scripts' own format. */
export async function completeWords(words: readonly string[]): Promise<string> {
  const { default: completionsOf } = await import('@bomb.sh/tab/commander')
  const program = await buildProgram({ version: '', words: null, dispatch: async () => {} })
  const own = 'completion-script'
  const root = completionsOf(program, { completionCommandName: own })
  // The adapter adds a command of its own to the tree it reads.
  root.commands.delete(own)
  return captured(() => root.parse([...words]))
}

/** The library prints; everything here is synchronous, so nothing else can print in between. */
function captured(work: () => void): string {
  const lines: string[] = []
  // oxlint-disable no-console -- replaced, not used
  const original = console.log
  console.log = (line: string) => void lines.push(line)
  try {
    work()
  } finally {
    console.log = original
  }
  return lines.map((line) => `${line}\n`).join('')
}
