/** argv -> exit code. The only place that prints an error. */
import { CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { runAction, type Surroundings } from './cli/action.ts'
import { buildProgram, commandWords } from './cli/program.ts'
import { plain } from './cli/render/plain.ts'
import { engineError } from './database/dialect/engine-error.ts'
import { exitCodes, type ExitCode, type ExitName } from './errors/exit-code.ts'
import { OrchError, errorMessage, systemErrorCode } from './errors/orch-error.ts'
import { redact, rememberEnvironmentSecrets } from './runtime/redaction.ts'
import { systemSignals } from './runtime/signals.ts'

/** Runs this process's own argv. */
export async function runProcess(): Promise<number> {
  // Whoever reads our output may leave; that ends output, not the run.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  return runMain(process.argv.slice(2), {
    streams: process,
    env: process.env,
    cwd: process.cwd(),
    signals: systemSignals,
  })
}

function ignoreClosedPipe(error: Error): void {
  if (systemErrorCode(error) !== 'EPIPE') throw error
}

/** Runs one call and returns its exit code. Never throws. */
export async function runMain(argv: readonly string[], around: Surroundings): Promise<ExitCode> {
  let exit: ExitName = 'done'
  rememberEnvironmentSecrets(around.env)
  try {
    const program = await buildProgram({
      version: packageJson.version,
      words: commandWords(argv),
      dispatch: async (_path, module, parsed) => {
        exit = await runAction(module, parsed, around)
      },
    })
    program.configureOutput({
      writeOut: (text) => void around.streams.stdout.write(text),
      writeErr: () => {},
    })
    if (commandWords(argv).length === 0 && argv.length === 0) program.outputHelp()
    else await program.parseAsync([...argv], { from: 'user' })
    return exitCodes[exit].code
  } catch (error) {
    return fail(error, argv, around)
  }
}

function fail(thrown: unknown, argv: readonly string[], around: Surroundings): ExitCode {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.done.code
  const error = toOrchError(thrown)
  const say = (text: string) => void around.streams.stderr.write(redact(text))
  if (argv.includes('--json')) {
    const { code, message, hint, exitCode } = error
    say(`${JSON.stringify({ kind: 'error', version: 1, code, message, hint: hint ?? null, exitCode })}\n`)
  } else {
    say(plain(`error: ${error.message} [${error.code}]\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`))
  }
  if (argv.includes('--verbose')) say(plain(`${stackOf(thrown)}\n`))
  return error.exitCode
}

function toOrchError(thrown: unknown): OrchError {
  if (thrown instanceof OrchError) return thrown
  if (thrown instanceof CommanderError) return usageError(thrown)
  const bug = { hint: 'Run again with --verbose and report what it prints', cause: thrown }
  return engineError(thrown) ?? new OrchError('ORCH_BUG', errorMessage(thrown), bug)
}

/** commander puts its suggestion into the message: `error: unknown option '--jsn'\n(Did you mean --json?)`. */
function usageError(thrown: CommanderError): OrchError {
  if (thrown.code === 'commander.help') {
    return new OrchError('ORCH_USAGE', 'This command needs a verb', {
      hint: 'Run it with --help to see its verbs',
    })
  }
  const [message = '', suggestion] = thrown.message.replace(/^error: /, '').split('\n')
  return new OrchError('ORCH_USAGE', message, {
    hint: suggestion?.replaceAll(/[()]/g, '') ?? 'Run `orch --help` to see what there is',
  })
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const cause = thrown.cause === undefined ? '' : `\ncaused by: ${stackOf(thrown.cause)}`
  return `${thrown.stack ?? thrown.message}${cause}`
}
