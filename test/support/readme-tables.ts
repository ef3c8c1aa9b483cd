/** The parts of README that are made from the code: `npm run readme` writes them, a test proves them equal. */
import { buildProgram } from '../../src/cli/program.ts'
import { environmentName, settingDefinitions, settingKeys, type SettingDefinition } from '../../src/config/setting.ts'
import { jobStates, movesFrom } from '../../src/domain/job-state.ts'
import { errorCodes, type ErrorCode } from '../../src/errors/error-code.ts'
import { exitCodes } from '../../src/errors/exit-code.ts'

type Row = readonly string[]

function markdownTable(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const code = (text: string) => `\`${text}\``

async function commandTable(): Promise<string> {
  const program = await buildProgram({ version: '', words: null, dispatch: async () => {} })
  const leaves = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : [...command.commands],
  )
  return markdownTable(
    ['command', 'what it does', 'its options'],
    leaves.map((command) => {
      const parent = command.parent === program ? [] : [command.parent?.name() ?? '']
      const words = command.registeredArguments.map((argument) => {
        const name = argument.variadic ? `${argument.name()}...` : argument.name()
        return argument.required ? `<${name}>` : `[${name}]`
      })
      const options = command.options.filter((option) => !option.hidden && !isGlobal(option.long ?? ''))
      return [
        code(['orch', ...parent, command.name(), ...words].join(' ')),
        command.description(),
        options.map((option) => code(option.flags.replace(/^-\w, /, ''))).join(' '),
      ]
    }),
  )

  function isGlobal(long: string): boolean {
    return program.options.some((option) => option.long === long)
  }
}

async function globalOptionTable(): Promise<string> {
  const program = await buildProgram({ version: '', words: null, dispatch: async () => {} })
  return markdownTable(
    ['option', 'meaning'],
    program.options.map((option) => [code(option.flags), option.description]),
  )
}

function settingTable(): string {
  const shown = (value: SettingDefinition['default']) => {
    const text = Array.isArray(value) ? value.join(' ') : String(value ?? '')
    return text === '' ? '-' : code(text)
  }
  return markdownTable(
    ['setting', 'environment', 'default', 'meaning'],
    settingKeys.map((key) => {
      const definition: SettingDefinition = settingDefinitions[key]
      const choices = definition.choices === undefined ? '' : ` (${definition.choices.join(', ')})`
      const owner = definition.userOnly === true ? '; user configuration only' : ''
      return [code(key), code(environmentName(key)), shown(definition.default), `${definition.means}${choices}${owner}`]
    }),
  )
}

function exitCodeTable(): string {
  return markdownTable(
    ['exit', 'means'],
    Object.values(exitCodes).map((exit) => [String(exit.code), exit.means]),
  )
}

function errorCodeTable(): string {
  return markdownTable(
    ['code', 'exit', 'when'],
    (Object.keys(errorCodes) as ErrorCode[]).map((name) => {
      const { exit, when } = errorCodes[name]
      return [code(name), String(exitCodes[exit].code), when]
    }),
  )
}

function jobStateDiagram(): string {
  const moves = jobStates.flatMap((from) => movesFrom(from).map((to) => `    ${from} --> ${to}`))
  return ['```mermaid', 'stateDiagram-v2', ...moves, '```'].join('\n')
}

/** Each generated part by the name between its markers. */
export async function readmeParts(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['commands', await commandTable()],
    ['global options', await globalOptionTable()],
    ['settings', settingTable()],
    ['exit codes', exitCodeTable()],
    ['error codes', errorCodeTable()],
    ['job states', jobStateDiagram()],
  ])
}

const marker = (name: string) => new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- end -->)`)

/** The text between a part's markers; undefined where README has none. */
export function partOf(readme: string, name: string): string | undefined {
  return marker(name)
    .exec(readme)?.[0]
    .replace(/^<!--.*-->\n/, '')
    .replace(/<!-- end -->$/, '')
    .trim()
}

/** README with every generated part brought up to date. */
export async function refreshReadme(readme: string): Promise<string> {
  let text = readme
  for (const [name, part] of await readmeParts())
    text = text.replace(marker(name), (_, head, end) => `${head}${part}\n${end}`)
  return text
}
