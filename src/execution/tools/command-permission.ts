import { basename } from 'node:path'
import type { Argv } from '../../domain/plan.ts'

/** A program of the user's own configuration. */
export interface AllowedBinary {
  /** Compared with argv[0] as it is written. */
  readonly binary: string
  /** One pattern per argument: `*` stands for any text. `...` at the end allows any number of further plain ones. */
  readonly arguments: readonly string[]
}

/** Which commands an agent may run. */
export interface CommandPermission {
  /** Exact argv arrays of the approved plan. */
  readonly commands: readonly Argv[]
  readonly binaries: readonly AllowedBinary[]
  /** Argv prefixes that the role may not run although allowed. */
  readonly denied: readonly Argv[]
}

/** The commands of a permission, one a line, as an agent may ask for them. */
export function describeCommands({ commands, binaries, denied }: CommandPermission): string {
  const exact = commands.filter((argv) => !isDenied(argv, denied)).map((argv) => JSON.stringify(argv))
  const patterns = binaries.map(({ binary, arguments: args }) => `${JSON.stringify([binary, ...args])} (* is any text)`)
  const lines = [...exact, ...patterns]
  return lines.length === 0 ? 'No command is allowed.' : `Allowed commands:\n${lines.join('\n')}`
}

/**
 * Why an argv may not run, or null. Allowed is what equals an argv array of the plan element by element, or fits a
 * pattern of the user; nothing is parsed, split or unquoted, so there is no quoting to get wrong.
 */
export function commandFault(argv: readonly string[], permission: CommandPermission): string | null {
  const malformed = shapeFault(argv)
  if (malformed !== null) return malformed
  if (isDenied(argv, permission.denied)) return 'this role may not run it'
  if (permission.commands.some((allowed) => equal(allowed, argv))) return null
  if (permission.binaries.some((allowed) => fits(allowed, argv))) return null
  return 'it is not one of the allowed commands'
}

const mostArguments = 256
const longestArgumentBytes = 16 * 1024

function shapeFault(argv: readonly string[]): string | null {
  if (argv.length === 0 || argv[0] === '') return 'it names no program'
  if (argv.length > mostArguments) return `it has more than ${mostArguments} arguments`
  if (argv.some((argument) => argument.includes('\0'))) return 'an argument has a NUL character'
  if (argv.some((argument) => Buffer.byteLength(argument) > longestArgumentBytes)) {
    return `an argument is longer than ${longestArgumentBytes} bytes`
  }
  return null
}

function equal(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((argument, index) => argument === other[index])
}

/** A denial also counts for the same program written with its directory. */
function isDenied(argv: readonly string[], denied: readonly Argv[]): boolean {
  return denied.some(
    ([program, ...rest]) =>
      basename(argv[0] ?? '') === basename(program) && rest.every((argument, index) => argv[index + 1] === argument),
  )
}

function fits({ binary, arguments: patterns }: AllowedBinary, argv: readonly string[]): boolean {
  if (argv[0] !== binary) return false
  const open = patterns.at(-1) === '...'
  const fixed = open ? patterns.slice(0, -1) : patterns
  const args = argv.slice(1)
  if (args.length < fixed.length || (!open && args.length > fixed.length)) return false
  return args.every((argument, index) => fitsPattern(fixed[index] ?? '*', argument))
}

/**
 * A wildcard never lets an option in: many programs have one that runs another program (`git -c`, `find -exec`,
 * `tar --to-command`). Response files (`@file`) are options by another way. A pattern must spell those out.
 */
function fitsPattern(pattern: string, argument: string): boolean {
  if (/^[-@+]/.test(argument) && !pattern.startsWith(argument.slice(0, 1))) return false
  const parts = pattern.split('*')
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return argument === pattern
  if (!argument.startsWith(first)) return false
  let from = first.length
  for (const part of rest) {
    const at = argument.indexOf(part, from)
    if (at === -1) return false
    from = at + part.length
  }
  return argument.length - last.length >= from && argument.endsWith(last)
}
