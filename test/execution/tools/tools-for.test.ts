import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { grantableTools, type ToolName } from '../../../src/domain/tool-name.ts'
import { toolOutputLimitBytes, type Tool } from '../../../src/execution/tools/tool.ts'
import { toolsFor } from '../../../src/execution/tools/tools-for.ts'
import { hashText } from '../../../src/workspace/confined-file.ts'
import { commandResult, toolContext } from '../../support/tool-context.ts'
import { temporaryWorkspace } from '../../support/temporary-workspace.ts'

const all = toolsFor(grantableTools)

function tool(name: ToolName): Tool {
  const found = all.get(name)
  if (found === undefined) throw new Error(`no tool ${name}`)
  return found
}

describe('toolsFor', () => {
  it('gives the granted tools and no others', () => {
    expect([...toolsFor(['read', 'submit', 'list']).keys()]).toEqual(['read', 'list'])
  })

  it('describes each with a JSON Schema that models accept', () => {
    for (const { spec } of all.values()) {
      expect(spec.parameters).toMatchObject({ type: 'object', additionalProperties: false })
      expect(spec.parameters).not.toHaveProperty('$schema')
      expect(spec.description.length).toBeGreaterThan(20)
    }
    expect(tool('read').spec.parameters).toMatchObject({ required: ['path'] })
  })
})

describe('every tool', () => {
  it.each([...grantableTools])('%s answers a bad input with what is wrong and never throws', async (name) => {
    const { workspace } = await temporaryWorkspace()
    const { context, ran } = toolContext(workspace)
    for (const input of [undefined, null, 'x', 7, [], { path: 7 }, { nonsense: true }, { argv: 'npm test' }]) {
      const result = await tool(name).run(input, context)
      expect(result.output).toMatch(/^error: /)
    }
    expect(ran).toEqual([])
  })

  it('takes null for a field left out, and refuses unknown fields by name', async () => {
    const { workspace } = await temporaryWorkspace({ 'a.txt': 'x' })
    const { context } = toolContext(workspace)
    expect(await tool('read').run({ path: 'a.txt', first_line: null }, context)).toEqual({ output: 'x', failed: false })
    expect((await tool('read').run({ path: 'a.txt', file: 'b' }, context)).output).toContain('"file"')
  })

  it('throws for an abort only', async () => {
    const { workspace } = await temporaryWorkspace()
    const { context } = toolContext(workspace, { signal: AbortSignal.abort(new Error('stop')) })
    await expect(tool('list').run({}, context)).rejects.toThrow('stop')
  })
})

describe('list', () => {
  it('shows names and sizes', async () => {
    const { workspace } = await temporaryWorkspace({ 'src/a.ts': 'abc' })
    const { output } = await tool('list').run({}, toolContext(workspace).context)
    expect(output).toBe(['.orch/', 'src/', 'src/a.ts (3 bytes)'].join('\n'))
  })
})

describe('read', () => {
  it('says how to go on in a long file', async () => {
    const { workspace } = await temporaryWorkspace({ 'a.txt': 'one\ntwo\nthree' })
    const { context } = toolContext(workspace)
    expect((await tool('read').run({ path: 'a.txt', max_lines: 2 }, context)).output).toBe(
      'one\ntwo\n[lines 1 to 2 of 3; go on with first_line 3]',
    )
    expect(await tool('read').run({ path: 'a.txt', first_line: 9 }, context)).toMatchObject({ failed: true })
  })

  it('keeps its output within the limit', async () => {
    const { workspace } = await temporaryWorkspace({
      'long.txt': 'ü'.repeat(100_000),
      'many.txt': 'line\n'.repeat(50_000),
    })
    const { context } = toolContext(workspace)
    for (const path of ['long.txt', 'many.txt']) {
      const { output } = await tool('read').run({ path, max_lines: 5000 }, context)
      expect(Buffer.byteLength(output)).toBeLessThanOrEqual(toolOutputLimitBytes)
      expect(output).not.toContain('\ufffd')
    }
  })
})

describe('write and edit', () => {
  it('report hashes for the journal', async () => {
    const { workspace } = await temporaryWorkspace()
    const { context } = toolContext(workspace)
    expect(await tool('write').run({ path: './src/a.ts', content: 'one' }, context)).toEqual({
      output: 'created src/a.ts (3 bytes)',
      failed: false,
      path: 'src/a.ts',
      beforeHash: null,
      afterHash: hashText('one'),
    })
    expect(await tool('edit').run({ path: 'src/a.ts', find: 'one', replace: 'two' }, context)).toMatchObject({
      output: 'changed 1 place in src/a.ts (3 bytes)',
      beforeHash: hashText('one'),
      afterHash: hashText('two'),
    })
  })

  it('name their target before they run', async () => {
    const { workspace } = await temporaryWorkspace()
    const { context } = toolContext(workspace)
    expect(tool('write').target({ path: './src//a.ts', content: '' }, context)).toBe('src/a.ts')
    expect(tool('edit').target({ path: '../a.ts', find: 'a', replace: '' }, context)).toBe(null)
    expect(tool('edit').target({ path: 'a.ts' }, context)).toBe(null)
    expect(tool('run').target({ argv: ['x'] }, context)).toBe(null)
  })

  it('keep to the files of the job', async () => {
    const { workspace, root } = await temporaryWorkspace({ 'docs/a.md': 'x' })
    const { context } = toolContext(workspace, { writes: ['src/**'] })
    const refusals = [
      await tool('write').run({ path: 'docs/a.md', content: 'y' }, context),
      await tool('edit').run({ path: 'docs/a.md', find: 'x', replace: 'y' }, context),
      await tool('write').run({ path: 'src', content: 'y' }, context),
      await tool('write').run({ path: 'docs/b.md', content: 'y' }, toolContext(workspace, { writes: [] }).context),
    ]
    for (const { output, failed } of refusals)
      expect([failed, output]).toEqual([true, expect.stringMatching(/may (not )?write/)])
    expect(readFileSync(join(root, 'docs/a.md'), 'utf8')).toBe('x')
  })

  it('show the nearest text on a miss', async () => {
    const { workspace } = await temporaryWorkspace({ 'a.ts': 'const total = sum(items)\n' })
    const { output } = await tool('edit').run(
      { path: 'a.ts', find: 'const total = sum(rows)', replace: 'x' },
      toolContext(workspace).context,
    )
    expect(output).toContain('The nearest text is at line 1:\nconst total = sum(items)')
  })
})

describe('search', () => {
  it('answers path, line and text', async () => {
    const { workspace } = await temporaryWorkspace({ 'src/a.ts': 'x\nfoo(1)\n', 'b.bin': Buffer.from([0, 1]) })
    const { output } = await tool('search').run({ text: 'foo(' }, toolContext(workspace).context)
    expect(output).toBe('src/a.ts:2: foo(1)\n[1 binary or large files were not searched]')
  })
})

describe('run', () => {
  const commands = { commands: [['npm', 'test']] as const, binaries: [], denied: [] }

  it('runs an allowed command and answers exit code and output', async () => {
    const { workspace } = await temporaryWorkspace()
    const timeouts: number[] = []
    const { context } = toolContext(workspace, {
      commands,
      runCommand: (_argv, { timeoutMs }) => {
        timeouts.push(timeoutMs)
        return Promise.resolve(commandResult({ exitCode: 2, output: '1 failing\n' }))
      },
    })
    expect(await tool('run').run({ argv: ['npm', 'test'], timeout_seconds: 5 }, context)).toEqual({
      output: 'exit code 2\n1 failing',
      failed: true,
    })
    await tool('run').run({ argv: ['npm', 'test'], timeout_seconds: 9999 }, context)
    expect(timeouts).toEqual([5000, 60_000])
  })

  it('refuses others and says what is allowed', async () => {
    const { workspace } = await temporaryWorkspace()
    const { context, ran } = toolContext(workspace, { commands })
    const { output } = await tool('run').run({ argv: ['npm', 'publish'] }, context)
    expect(output).toBe(
      'error: ["npm","publish"] was not run: it is not one of the allowed commands.\nAllowed commands:\n["npm","test"]',
    )
    expect(ran).toEqual([])
  })

  it('says what to do when the program is missing, and when time ran out', async () => {
    const { workspace } = await temporaryWorkspace()
    const ends = [
      commandResult({
        exitCode: null,
        failure: { reason: 'not_found', message: 'npm was not found', hint: 'Install npm' },
      }),
      commandResult({ exitCode: null, signal: 'SIGKILL', timedOut: true, output: 'so far' }),
    ]
    const runCommand = () => Promise.resolve(ends.shift() ?? commandResult())
    const { context } = toolContext(workspace, { commands, runCommand })
    expect((await tool('run').run({ argv: ['npm', 'test'] }, context)).output).toBe(
      'error: npm was not found\nInstall npm',
    )
    expect((await tool('run').run({ argv: ['npm', 'test'] }, context)).output).toBe('stopped after 60 s\nso far')
  })
})
