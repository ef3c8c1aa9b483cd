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
import { ProcessSignals, stopSignals, type Signals, type StopSignal } from './runtime/signals.ts'

/** Runs this process's own argv. `received` holds the stop signals that came while the program was loaded. */
export async function runProcess(received: readonly StopSignal[] = []): Promise<number> {
  const output = watchOutput([process.stdout, process.stderr])
  const code = await runMain(process.argv.slice(2), {
    streams: process,
    env: process.env,
    cwd: process.cwd(),
    signals: ownSignals(received),
  })
  return code === exitCodes.done.code && output.failed ? exitCodes.bug.code : code
}

/** From here on the process answers for its signals; the third ends it, whatever it still waits for. */
function ownSignals(received: readonly StopSignal[]): Signals {
  const exit = () => process.exit(exitCodes.signal.code)
  const signals = new ProcessSignals((graceMs) => (graceMs === 0 ? exit() : void setTimeout(exit, graceMs).unref()))
  for (const name of stopSignals) {
    const keepers = process.listeners(name)
    // First ours, then theirs away: without any listener the default action would be back for a moment.
    process.on(name, () => signals.receive(name))
    for (const keeper of keepers) process.off(name, keeper)
  }
  for (const name of received) signals.receive(name)
  return signals
}

/** What a stream says when its reader or its terminal is gone. */
const nobodyReads = new Set(['EPIPE', 'EIO', 'ENXIO', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'])

/**
 * Whoever reads our output may leave; that ends output, not the run, and is no failure. Output that cannot be
 * written for another reason (a full disk) does not end the run either, but makes its success a failure.
 */
function watchOutput(outputs: readonly NodeJS.WriteStream[]): { readonly failed: boolean } {
  const state = { failed: false }
  for (const stream of outputs) {
    stream.on('error', (error) => {
      if (!nobodyReads.has(systemErrorCode(error) ?? '')) state.failed = true
    })
  }
  return state
}

/** A runner of `orch doctor --prove`; `bin/prove-runner.js` starts it. */
export async function runProofRunner(): Promise<void> {
  await (await import('./prove-runner.ts')).runProofRunner(process)
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
