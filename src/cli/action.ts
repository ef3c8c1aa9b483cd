/** One call of a command, from parsed flags to an exit name: builds the context lazily and always closes it. */
import type { Command } from 'commander'
import { createContext } from '../context.ts'
import type { ExitName } from '../errors/exit-code.ts'
import type { Signals } from '../runtime/signals.ts'
import type { Streams } from '../runtime/streams.ts'
import type { CommandModule, GlobalOptions } from './command.ts'
import { createIo } from './io.ts'
import { MissedTables } from './missed-tables.ts'

/** What surrounds a call: the process, or a test's stand-in for it. */
export interface Surroundings {
  readonly streams: Streams
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly signals: Signals
}

/** Runs a command module. Throws what the command throws, after closing the context. */
export async function runAction(module: CommandModule, parsed: Command, around: Surroundings): Promise<ExitName> {
  const options = mergedOptions(parsed)
  const globals = globalOptions(options)
  const missed = new MissedTables(module.tables)
  const io = missed.speakingFor(createIo(around.streams, globals, around.env))
  const context = createContext({ ...around, globals, warn: io.warn, onMissing: (tables) => missed.note(tables) })
  const stop = new AbortController()
  const unlisten = module.handlesSignals === true ? () => {} : around.signals.listen(() => stop.abort('signal'))
  try {
    const args = parsed.processedArgs as readonly (string | readonly string[] | undefined)[]
    const exit = await module.run({ context, io, globals, args, options, signal: stop.signal })
    return stop.signal.aborted ? 'signal' : (exit ?? 'done')
  } catch (error) {
    throw missed.explain(error)
  } finally {
    unlisten()
    await context.close()
  }
}

/** Flags given before the command's name and after it; the later one wins, and a default never overrides. */
export function mergedOptions(parsed: Command): Readonly<Record<string, unknown>> {
  const given = parsed.parent === null ? {} : mergedOptions(parsed.parent)
  const isDefault = (name: string) => name in given && parsed.getOptionValueSource(name) === 'default'
  const own = Object.entries(parsed.opts()).filter(([name]) => !isDefault(name))
  return { ...given, ...Object.fromEntries(own) }
}

/** The global flags out of everything commander parsed. */
export function globalOptions(options: Readonly<Record<string, unknown>>): GlobalOptions {
  return {
    ...(typeof options['db'] === 'string' ? { db: options['db'] } : {}),
    ...(typeof options['config'] === 'string' ? { config: options['config'] } : {}),
    json: options['json'] === true,
    quiet: options['quiet'] === true,
    verbose: options['verbose'] === true,
    color: options['color'] !== false,
    yes: options['yes'] === true,
  }
}
