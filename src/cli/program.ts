/**
 * The command tree. Nouns and verbs are listed here with the file that holds each; a call loads only the
 * file it needs, help loads what it lists.
 */
import { Command, Option } from 'commander'
import type { CommandModule } from './command.ts'

type Load = () => Promise<{ readonly command: CommandModule }>

interface Noun {
  readonly summary: string
  readonly verbs: Readonly<Record<string, Load>>
}

/** Commands of one word. */
export const topLevel: Readonly<Record<string, Load>> = {
  quickstart: () => import('./commands/quickstart.ts'),
  init: () => import('./commands/init.ts'),
  doctor: () => import('./commands/doctor.ts'),
  usage: () => import('./commands/usage.ts'),
  bench: () => import('./commands/bench.ts'),
  schema: () => import('./commands/schema.ts'),
  completion: () => import('./commands/completion.ts'),
}

/** Commands of two words. */
export const nouns: Readonly<Record<string, Noun>> = {
  config: {
    summary: 'settings and where each came from',
    verbs: {
      list: () => import('./commands/config/list.ts'),
      get: () => import('./commands/config/get.ts'),
      set: () => import('./commands/config/set.ts'),
      unset: () => import('./commands/config/unset.ts'),
    },
  },
  providers: {
    summary: 'where models are called',
    verbs: {
      list: () => import('./commands/providers/list.ts'),
      show: () => import('./commands/providers/show.ts'),
      add: () => import('./commands/providers/add.ts'),
      edit: () => import('./commands/providers/edit.ts'),
      test: () => import('./commands/providers/test.ts'),
      detect: () => import('./commands/providers/detect.ts'),
      enable: () => import('./commands/providers/enable.ts'),
      disable: () => import('./commands/providers/disable.ts'),
      remove: () => import('./commands/providers/remove.ts'),
      key: () => import('./commands/providers/key.ts'),
    },
  },
  models: {
    summary: 'what the providers serve, and which model a role gets',
    verbs: {
      list: () => import('./commands/models/list.ts'),
      sync: () => import('./commands/models/sync.ts'),
      show: () => import('./commands/models/show.ts'),
      doctor: () => import('./commands/models/doctor.ts'),
      pick: () => import('./commands/models/pick.ts'),
      pin: () => import('./commands/models/pin.ts'),
    },
  },
  roles: {
    summary: 'the org chart',
    verbs: {
      list: () => import('./commands/roles/list.ts'),
      show: () => import('./commands/roles/show.ts'),
      add: () => import('./commands/roles/add.ts'),
      edit: () => import('./commands/roles/edit.ts'),
      seed: () => import('./commands/roles/seed.ts'),
    },
  },
  project: {
    summary: 'goals and their plans',
    verbs: {
      plan: () => import('./commands/project/plan.ts'),
      list: () => import('./commands/project/list.ts'),
      show: () => import('./commands/project/show.ts'),
      graph: () => import('./commands/project/graph.ts'),
      approve: () => import('./commands/project/approve.ts'),
      apply: () => import('./commands/project/apply.ts'),
      export: () => import('./commands/project/export.ts'),
      pause: () => import('./commands/project/pause.ts'),
      resume: () => import('./commands/project/resume.ts'),
      cancel: () => import('./commands/project/cancel.ts'),
    },
  },
  jobs: {
    summary: 'run and inspect jobs',
    verbs: {
      run: () => import('./commands/jobs/run.ts'),
      list: () => import('./commands/jobs/list.ts'),
      show: () => import('./commands/jobs/show.ts'),
      why: () => import('./commands/jobs/why.ts'),
      logs: () => import('./commands/jobs/logs.ts'),
      watch: () => import('./commands/jobs/watch.ts'),
      retry: () => import('./commands/jobs/retry.ts'),
      cancel: () => import('./commands/jobs/cancel.ts'),
      hold: () => import('./commands/jobs/hold.ts'),
      release: () => import('./commands/jobs/release.ts'),
    },
  },
  db: {
    summary: 'migrations, checks, backups and trust',
    verbs: {
      migrate: () => import('./commands/db/migrate.ts'),
      status: () => import('./commands/db/status.ts'),
      check: () => import('./commands/db/check.ts'),
      backup: () => import('./commands/db/backup.ts'),
      restore: () => import('./commands/db/restore.ts'),
      adopt: () => import('./commands/db/adopt.ts'),
      transfer: () => import('./commands/db/transfer.ts'),
      trust: () => import('./commands/db/trust.ts'),
    },
  },
}

/** Called when a parsed command is to run; `path` is `jobs list` or `init`. */
export type Dispatch = (path: string, module: CommandModule, parsed: Command) => Promise<void>

export interface ProgramOptions {
  readonly version: string
  readonly dispatch: Dispatch
  /** Words of the call, to load no more than it needs; null loads everything (documentation, completion). */
  readonly words: readonly string[] | null
}

/** Builds the commander program for one call. */
export async function buildProgram(options: ProgramOptions): Promise<Command> {
  const program = new Command('orch')
    .description('Plans, runs and accounts for AI jobs against a local database')
    .version(options.version, '-V, --version', 'print the version')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  addGlobalOptions(program)
  program.addHelpText('after', '\nStart here: orch quickstart, or orch init and then orch project plan "<goal>".')
  const word = options.words?.[0]
  for (const [name, load] of Object.entries(topLevel)) {
    await addCommand(program, {
      name,
      path: name,
      load,
      options,
      full: word === undefined || word === name,
    })
  }
  for (const [name, noun] of Object.entries(nouns)) {
    const command = program.command(name).description(noun.summary).helpCommand(false)
    if (options.words === null || word === name) await addVerbs(command, { name, noun, options })
  }
  return program
}

interface NounEntry {
  readonly name: string
  readonly noun: Noun
  readonly options: ProgramOptions
}

async function addVerbs(parent: Command, { name, noun, options }: NounEntry): Promise<void> {
  const wanted = options.words?.[1]
  const known = wanted !== undefined && Object.hasOwn(noun.verbs, wanted)
  for (const [verb, load] of Object.entries(noun.verbs)) {
    await addCommand(parent, {
      name: verb,
      path: `${name} ${verb}`,
      load,
      options,
      full: !known || verb === wanted,
    })
  }
}

interface CommandEntry {
  readonly name: string
  readonly path: string
  readonly load: Load
  readonly options: ProgramOptions
  /** Load the file now; otherwise only the name is needed, for suggestions. */
  readonly full: boolean
}

async function addCommand(parent: Command, { name, path, load, options, full }: CommandEntry): Promise<void> {
  const command = parent.command(name)
  if (!full) return
  const { command: module } = await load()
  command.description(module.summary).allowExcessArguments(false)
  module.declare?.(command)
  addGlobalOptions(command)
  command.addHelpText('after', `\nExample:\n  ${module.example}`)
  command.action(() => options.dispatch(path, module, command))
}

/** The flags of DESIGN section 5, accepted before and after the command's name. */
function addGlobalOptions(command: Command): void {
  command
    .addOption(new Option('--db <url>', 'database: a path or postgres://...').helpGroup('Global options:'))
    .addOption(new Option('--config <file>', 'project configuration file').helpGroup('Global options:'))
    .addOption(new Option('--json', 'one JSON document on stdout').helpGroup('Global options:'))
    .addOption(new Option('--quiet', 'no progress').helpGroup('Global options:'))
    .addOption(new Option('--verbose', 'diagnostics and stack traces on stderr').helpGroup('Global options:'))
    .addOption(new Option('--no-color', 'no colours').helpGroup('Global options:'))
    .addOption(new Option('--yes', 'answer questions with yes').helpGroup('Global options:'))
}

const flagsWithValue = new Set(['--db', '--config'])

/** The words of a call before its own flags: `--db x jobs list --state y` gives `jobs`, `list`. */
export function commandWords(argv: readonly string[]): readonly string[] {
  const words: string[] = []
  for (let index = 0; index < argv.length && words.length < 2; index++) {
    const word = argv[index] ?? ''
    if (flagsWithValue.has(word)) index++
    else if (!word.startsWith('-')) words.push(word)
  }
  return words
}
