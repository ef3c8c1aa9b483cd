import { noTables } from '../../doctor/table-use.ts'
import { Argument } from 'commander'
import { OrchError } from '../../errors/orch-error.ts'
import { textArgument, type CommandModule } from '../command.ts'

const shells = ['bash', 'zsh', 'fish', 'powershell']

/** The scripts call back with this word instead of a shell's name: `orch completion complete -- jobs li`. */
const callback = 'complete'

export const command: CommandModule = {
  summary: 'a script that completes commands and options in your shell',
  example: 'orch completion bash >> ~/.bashrc',
  tables: noTables,
  declare: (command) => {
    const shell = new Argument('<shell>', 'bash, zsh, fish or powershell').choices(shells)
    command.addArgument(shell.argParser((word: string) => word)).argument('[words...]', 'used by the script itself')
  },
  run: async (invocation) => {
    const { io, args } = invocation
    const shell = textArgument(invocation, 0)
    const { completionScript, completeWords } = await import('../completion.ts')
    if (shell === callback) {
      const words = Array.isArray(args[1]) ? (args[1] as readonly string[]) : []
      io.streams.stdout.write(await completeWords(words))
      return
    }
    if (!shells.includes(shell)) {
      throw new OrchError('ORCH_USAGE', `There is no completion for "${shell}"`, { hint: `Use ${shells.join(', ')}` })
    }
    const script = await completionScript(shell)
    io.result('completion', { shell, script }, () => script)
  },
}
