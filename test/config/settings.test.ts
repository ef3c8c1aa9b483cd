import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSettingsFile } from '../../src/config/settings-file.ts'
import { parseCounts } from '../../src/config/setting-value.ts'
import { Settings } from '../../src/config/settings.ts'
import { temporaryDirectory } from '../support/databases.ts'

function fileWith(text: string): string {
  const path = join(temporaryDirectory(), 'config.yaml')
  writeFileSync(path, text)
  return path
}

describe('precedence', () => {
  const layers = {
    env: {},
    database: new Map(),
    projectFile: new Map([['limits.turns', 7] as const]),
    userFile: new Map([['limits.turns', 8] as const]),
  }

  test('a project file wins over the user file and over the default', () => {
    expect(new Settings(layers).resolved('limits.turns')).toEqual({
      key: 'limits.turns',
      value: 7,
      source: 'project file',
    })
  })

  test('the database wins over files, the environment over the database', () => {
    const database = new Map([['limits.turns', 6] as const])
    expect(new Settings({ ...layers, database }).resolved('limits.turns').source).toBe('database')
    const env = { ORCH_LIMITS_TURNS: '5' }
    expect(new Settings({ ...layers, database, env }).resolved('limits.turns')).toMatchObject({
      value: 5,
      source: 'environment',
    })
  })

  test('a value of the wrong type in the environment names the variable, what was expected and what was found', () => {
    expect(() => new Settings({ ...layers, env: { ORCH_LIMITS_TURNS: 'many' } })).toThrow(
      'ORCH_LIMITS_TURNS: limits.turns must be a whole number of at least 1, found "many"',
    )
  })
})

describe('a configuration file', () => {
  test('may nest keys or dot them', async () => {
    const path = fileWith('limits:\n  turns: 3\nselection.policy: best\n')
    expect([...(await readSettingsFile(path, 'project'))]).toEqual([
      ['limits.turns', 3],
      ['selection.policy', 'best'],
    ])
  })

  test('may state limits by name as a map or as a list', async () => {
    const map = fileWith('limits:\n  roles:\n    engineer: 2\n    writer: 0\n')
    expect((await readSettingsFile(map, 'project')).get('limits.roles')).toEqual(['engineer=2', 'writer=0'])
    const list = fileWith('limits.models: ["ollama/qwen3:8b=1", "gateway/a=b=2"]')
    const models = (await readSettingsFile(list, 'project')).get('limits.models')
    expect(parseCounts(models as string[])).toEqual(
      new Map([
        ['ollama/qwen3:8b', 1],
        ['gateway/a=b', 2],
      ]),
    )
  })

  test('that is missing or empty says nothing', async () => {
    expect((await readSettingsFile('/nowhere/config.yaml', 'user')).size).toBe(0)
    expect((await readSettingsFile(fileWith(''), 'user')).size).toBe(0)
  })

  test.each([
    ['an unknown key', 'limits.turn: 3', 'unknown setting "limits.turn"'],
    ['a wrong choice', 'selection.policy: fast', 'selection.policy must be one of cheapest'],
    ['a limit that is no number', 'limits.roles: {engineer: many}', 'limits.roles must be a list of name=number'],
    ['broken YAML', 'a: [1', 'config.yaml'],
    ['a list at the top', '- 1', 'expected keys and values'],
  ])('with %s is refused with its path', async (_case, text, message) => {
    const error = await readSettingsFile(fileWith(text), 'project').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ORCH_CONFIG_INVALID', exitCode: 3 })
    expect(String(error)).toContain(message)
  })

  test('suggests the key that was meant', async () => {
    await expect(readSettingsFile(fileWith('limits.turn: 3'), 'project')).rejects.toMatchObject({
      hint: 'Did you mean limits.turns?',
    })
  })

  test('of a project may not allow commands, the user file may', async () => {
    const path = fileWith('commands.allow: [["rm", "-rf"]]')
    await expect(readSettingsFile(path, 'project')).rejects.toMatchObject({ code: 'ORCH_CONFIG_UNTRUSTED' })
    expect((await readSettingsFile(path, 'user')).get('commands.allow')).toEqual(['["rm","-rf"]'])
  })

  test('that is a directory is one clear error', async () => {
    const path = join(temporaryDirectory(), 'config.yaml')
    mkdirSync(path)
    await expect(readSettingsFile(path, 'user')).rejects.toMatchObject({ code: 'ORCH_CONFIG_INVALID' })
  })
})
