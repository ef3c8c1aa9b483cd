import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { globalOptions, mergedOptions } from '../../src/cli/action.ts'
import { buildProgram, commandWords } from '../../src/cli/program.ts'

async function parse(argv: readonly string[]) {
  const dispatched: { path: string; parsed: Command }[] = []
  const program = await buildProgram({
    version: '0.0.0',
    words: commandWords(argv),
    dispatch: async (path, _module, parsed) => void dispatched.push({ path, parsed }),
  })
  await program.parseAsync([...argv], { from: 'user' })
  return dispatched[0]
}

test('the words of a call are found past global flags and their values', () => {
  expect(commandWords(['--db', 'x.db', '--json', 'config', 'list', '--quiet'])).toEqual(['config', 'list'])
})

describe('global flags', () => {
  test('count before the command and after it', async () => {
    for (const argv of [
      ['--json', '--db', 'x.db', '--no-color', 'config', 'list'],
      ['config', 'list', '--json', '--db', 'x.db', '--no-color'],
    ]) {
      const call = await parse(argv)
      expect(call?.path).toBe('config list')
      const options = call === undefined ? {} : mergedOptions(call.parsed)
      expect(globalOptions(options)).toMatchObject({ json: true, db: 'x.db', color: false, quiet: false })
    }
  })
})

test('every command has a summary and an example that calls it', async () => {
  const program = await buildProgram({ version: '0.0.0', words: null, dispatch: async () => {} })
  const leaves = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]))
  expect(leaves.length).toBeGreaterThan(4)
  expect(leaves.filter((command) => command.description() === '').map((command) => command.name())).toEqual([])
})

test.each([
  ['a misspelt command', ['confg'], 'Did you mean config'],
  ['a misspelt verb', ['config', 'lst'], 'Did you mean list'],
  ['a misspelt flag', ['config', 'list', '--jsn'], 'Did you mean --json'],
])('%s is refused with a suggestion', async (_case, argv, suggestion) => {
  await expect(parse(argv)).rejects.toThrow(suggestion)
})
