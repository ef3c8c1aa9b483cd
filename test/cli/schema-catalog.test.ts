import { describe, expect, it } from 'vitest'
import { documentShapes, jsonSchemaOf, schemaNames } from '../../src/cli/schema-catalog.ts'
import { buildProgram, nouns, topLevel } from '../../src/cli/program.ts'
import { temporaryDirectory } from '../support/databases.ts'
import { documentOf, runOrch } from '../support/run-orch.ts'

describe('the published schemas', () => {
  it('are all JSON Schemas that stay open for later fields', async () => {
    // A plan file is written by people: there, an unknown key is a mistake.
    for (const name of (await schemaNames()).filter((kind) => kind !== 'plan')) {
      const schema = await jsonSchemaOf(name)
      expect(schema).toMatchObject({ $schema: expect.any(String), title: expect.any(String) })
      expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false')
    }
  })

  it('name every document and event by its own kind', async () => {
    for (const [kind, shape] of await documentShapes()) {
      expect(JSON.stringify(shape.toJSONSchema({ io: 'input' }))).toContain(`"const":"${kind}"`)
    }
  })
})

describe('orch schema', () => {
  it('prints a schema that a tool can read', async () => {
    const result = await runOrch(['schema', 'plan'], { cwd: temporaryDirectory() })
    expect(JSON.parse(result.stdout)).toMatchObject({ title: 'orch plan file', type: 'object' })
  })

  it('lists what there is', async () => {
    const result = await runOrch(['schema', '--json'], { cwd: temporaryDirectory() })
    expect(documentOf(result).data).toEqual(expect.arrayContaining([{ kind: 'plan' }, { kind: 'config.list' }]))
  })

  it('suggests the kind that was probably meant', async () => {
    const result = await runOrch(['schema', 'config.lits'], { cwd: temporaryDirectory() })
    expect(result).toMatchObject({ exitCode: 4, stdout: '' })
    expect(result.stderr).toContain('Did you mean config.list?')
  })
})

describe('every command', () => {
  const paths = [
    ...Object.keys(topLevel),
    ...Object.entries(nouns).flatMap(([noun, { verbs }]) => Object.keys(verbs).map((verb) => `${noun}.${verb}`)),
  ]

  it('has a published schema', async () => {
    const published = new Set((await documentShapes()).keys())
    expect(paths.filter((path) => !published.has(path))).toEqual([])
  })

  it('can be built and described', async () => {
    const program = await buildProgram({ version: '0', words: null, dispatch: async () => {} })
    const leaves = program.commands.flatMap((command) =>
      command.commands.length === 0 ? [command] : [...command.commands],
    )
    expect(leaves.filter((command) => command.description() === '').map((command) => command.name())).toEqual([])
  })
})
