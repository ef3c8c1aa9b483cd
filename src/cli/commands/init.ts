import { anyTable } from '../../doctor/table-use.ts'
import type { ChalkInstance } from 'chalk'
import type { PreparedFile } from '../../config/project-directory.ts'
import type { Provider } from '../../providers/provider.ts'
import type { CommandModule, Invocation } from '../command.ts'
import { plainLine } from '../render/plain.ts'

/** What `init` found and made. */
export interface Initialized {
  readonly directory: string
  readonly config: PreparedFile
  readonly ignore: PreparedFile
  readonly database: { readonly address: string; readonly created: boolean; readonly trusted: boolean }
  /** Migrations applied now. */
  readonly migrations: readonly string[]
  /** Roles stored now. */
  readonly roles: readonly string[]
  readonly providers: readonly Pick<Provider, 'id' | 'kind' | 'baseUrl' | 'origin'>[]
}

export const command: CommandModule = {
  summary: 'set up .orch/ here: configuration, database, roles, providers found',
  example: 'orch init',
  tables: anyTable,
  run: async (invocation) => {
    const { io } = invocation
    const done = await initialize(invocation)
    io.result('init', done, () => report(done, io.colors))
  },
}

/** Prepares the project's directory, its database and the org chart; running it again changes nothing. */
export async function initialize({ context, io }: Invocation): Promise<Initialized> {
  const { prepareProjectDirectory } = await import('../../config/project-directory.ts')
  const files = prepareProjectDirectory(context.paths)
  const { database, created, steps } = await context.migrate({
    onBackup: ({ path }) => io.progress(`saved    ${plainLine(path)}`),
  })
  const trusted = await context.databaseIsTrusted()
  // Seeding writes; a database that somebody else made is looked at first.
  const roles = trusted ? await (await context.roles()).seed() : []
  const providers = await (await context.providers()).usable()
  return {
    directory: context.paths.orchDir,
    ...files,
    database: { address: database.address, created, trusted },
    migrations: steps.map((step) => step.name),
    roles,
    providers: providers.map(({ id, kind, baseUrl, origin }) => ({ id, kind, baseUrl, origin })),
  }
}

function report(
  { config, ignore, database, migrations, roles, providers }: Initialized,
  colors: ChalkInstance,
): string {
  const count = (amount: number, noun: string) => `${amount} ${noun}${amount === 1 ? '' : 's'}`
  const migrated = migrations.length === 0 ? 'up to date' : `${count(migrations.length, 'migration')} applied`
  const found = providers.map(
    ({ id, baseUrl, origin }) => `${id} (${origin === 'environment' ? 'environment key' : baseUrl})`,
  )
  const lines: readonly (readonly [string, string])[] = [
    ['configuration', `${config.path} ${config.change}`],
    ['database', `${database.address} ${database.created ? 'created, ' : ''}${migrated}`],
    ['roles', roles.length === 0 ? 'already there' : `${roles.join(', ')} stored`],
    ['.gitignore', ignore.change === 'kept' ? 'ignores .orch/ already' : `${ignore.change}: .orch/`],
    ['providers', found.length === 0 ? 'none found' : found.join(', ')],
  ]
  const next =
    providers.length === 0
      ? [
          'orch quickstart                 a sample project; without a provider it rehearses',
          'orch providers add <id> ...     or set OPENAI_API_KEY, or start Ollama',
        ]
      : ['orch quickstart                 a sample project', 'orch project plan "<goal>"      a plan of your own']
  return [
    ...lines.map(([name, text]) => plainLine(`${name.padEnd(15)}${text}`)),
    '',
    colors.bold('Next'),
    ...next.map((line) => `  ${line}`),
  ].join('\n')
}
