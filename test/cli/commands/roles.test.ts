import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/databases.ts'
import { documentOf, runOrch, type OrchResult } from '../../support/run-orch.ts'
import type { Role } from '../../../src/models/role.ts'

let cwd: string
const orch = (...argv: string[]): Promise<OrchResult> => runOrch(argv, { cwd })

describe('orch roles without a database', () => {
  beforeEach(() => {
    cwd = temporaryDirectory()
  })

  it('lists the built-in roles and warns once', async () => {
    const result = await orch('roles', 'list', '--json')
    const { data, warnings } = documentOf<Role[]>(result)
    expect(result.exitCode).toBe(0)
    expect(data.map((role) => role.id)).toContain('qa_specialist')
    expect(data.every((role) => !role.stored)).toBe(true)
    expect(warnings.some((warning) => warning.message.includes('table roles'))).toBe(true)
  })

  it('shows a role with its whole prompt', async () => {
    const { stdout } = await orch('roles', 'show', 'engineer')
    expect(stdout).toContain('reports to  architect')
    expect(stdout).toContain('Submit a summary')
  })

  it('refuses to change one, naming the table and the way to create it', async () => {
    const result = await orch('roles', 'edit', 'engineer', '--title', 'Smith')
    expect(result).toMatchObject({ exitCode: 10, stdout: '' })
    expect(result.stderr).toContain('orch db migrate')
  })
})

describe('orch roles', () => {
  beforeEach(async () => {
    cwd = temporaryDirectory()
    await orch('db', 'migrate')
    writeFileSync(join(cwd, 'translator.md'), 'You translate.\nWell.\n')
  })

  const addTranslator = (...more: string[]) =>
    orch('roles', 'add', 'translator', '--title', 'Translator', '--prompt-file', 'translator.md', ...more)

  it('adds a role of your own', async () => {
    const flags = ['--needs', 'tools,long_context', '--tools', 'read, write', '--reports-to', 'writer']
    expect(await addTranslator(...flags, '--deny', '["npm","publish"]')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(documentOf<Role>(await orch('roles', 'show', 'translator', '--json')).data).toEqual({
      id: 'translator',
      title: 'Translator',
      prompt: 'You translate.\nWell.',
      needs: ['tools', 'long_context'],
      tools: ['read', 'write'],
      deniedCommands: [['npm', 'publish']],
      reportsTo: 'writer',
      modelPin: null,
      stored: true,
    })
  })

  it('refuses an id that exists, also a built-in one', async () => {
    const result = await orch('roles', 'add', 'writer', '--title', 'W', '--prompt-file', 'translator.md')
    expect(result.exitCode).toBe(5)
    expect(result.stderr).toContain('orch roles edit writer')
  })

  it('edits only what the flags name', async () => {
    await addTranslator('--tools', 'read')
    await orch('roles', 'edit', 'translator', '--tools', '')
    const { data } = documentOf<Role>(await orch('roles', 'show', 'translator', '--json'))
    expect(data).toMatchObject({ tools: [], title: 'Translator', prompt: 'You translate.\nWell.' })
  })

  it('seeds the built-in roles once', async () => {
    expect(documentOf<{ added: string[] }>(await orch('roles', 'seed', '--json')).data.added).toHaveLength(6)
    expect((await orch('roles', 'seed')).stdout).toContain('stored already')
  })

  it.each([
    ['an unknown tool', ['--tools', 'read,teleport'], 2, 'teleport'],
    ['an unknown need', ['--needs', 'telepathy'], 2, 'telepathy'],
    ['a command that is no array', ['--deny', 'npm publish'], 2, 'JSON array'],
    ['an unknown superior', ['--reports-to', 'nobody'], 2, 'nobody'],
    ['a missing prompt file', ['--prompt-file', 'absent.md'], 2, 'absent.md'],
    ['nothing to change', [], 2, '--prompt-file'],
  ])('refuses %s and changes nothing', async (_name, flags, exitCode, named) => {
    const result = await orch('roles', 'edit', 'writer', ...flags)
    expect(result).toMatchObject({ exitCode, stdout: '' })
    expect(result.stderr).toContain(named)
    const { data } = documentOf<Role>(await orch('roles', 'show', 'writer', '--json'))
    expect(data.stored).toBe(false)
  })

  it('names what a new role lacks', async () => {
    expect((await orch('roles', 'add', 'translator')).stderr).toContain('--title')
    expect((await orch('roles', 'add', 'translator', '--title', 'T')).stderr).toContain('--prompt-file')
  })
})
