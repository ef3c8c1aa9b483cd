import { describe, expect, test } from 'vitest'
import type { GlobalOptions } from '../../src/cli/command.ts'
import { createIo } from '../../src/cli/io.ts'

const escape = String.fromCharCode(27)

function ioWith(globals: Partial<GlobalOptions> = {}, { isTTY = false, env = {} } = {}) {
  const written = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({ isTTY, write: (text: string) => ((written[name] += text), true) })
  const streams = {
    stdin: Object.assign(process.stdin, { isTTY }),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
  }
  const all = { json: false, quiet: false, verbose: false, color: true, yes: false, ...globals }
  return { io: createIo(streams, all, env), written }
}

describe('with --json', () => {
  test('the result is one document that carries the warnings, and stderr stays empty', () => {
    const { io, written } = ioWith({ json: true })
    io.warn('the table jobs is missing', 'orch db migrate')
    io.progress('working')
    io.result('jobs.list', [], () => 'text')
    expect(JSON.parse(written.stdout)).toEqual({
      kind: 'jobs.list',
      version: 1,
      data: [],
      warnings: [{ message: 'the table jobs is missing', hint: 'orch db migrate' }],
    })
    expect(written.stderr).toBe('')
  })

  test('a terminal gets no colours', () => {
    expect(ioWith({ json: true }, { isTTY: true }).io.colors.red('x')).toBe('x')
  })
})

describe('for people', () => {
  test('data goes to stdout, warnings and progress to stderr', () => {
    const { io, written } = ioWith()
    io.warn('careful')
    io.progress('working')
    io.result('jobs.list', [], () => 'a table')
    expect(written).toEqual({ stdout: 'a table\n', stderr: 'warning: careful\nworking\n' })
  })

  test('the same warning is said once', () => {
    const { io, written } = ioWith()
    io.warn('careful')
    io.warn('careful')
    expect(written.stderr).toBe('warning: careful\n')
  })

  test('control sequences in a warning are removed', () => {
    const { io, written } = ioWith()
    io.warn(`a${escape}[2Jb`)
    expect(written.stderr).not.toContain(escape)
  })

  test.each([
    ['NO_COLOR', { env: { NO_COLOR: '1' }, isTTY: true }, {}],
    ['--no-color', { env: {}, isTTY: true }, { color: false }],
    ['a pipe', { env: {}, isTTY: false }, {}],
  ])('%s turns colours off', (_name, surroundings, globals) => {
    expect(ioWith(globals, surroundings).io.colors.red('x')).toBe('x')
  })

  test('a terminal gets colours', () => {
    expect(ioWith({}, { isTTY: true }).io.colors.red('x')).toContain(escape)
  })
})

describe('a question', () => {
  test('is answered by --yes', async () => {
    expect(await ioWith({ yes: true }).io.confirm('Go on?')).toBe(true)
  })

  test('without a terminal names the flag to use instead of waiting', async () => {
    await expect(ioWith().io.confirm('Approve?', '--approve')).rejects.toMatchObject({
      code: 'ORCH_NEEDS_CONFIRMATION',
      exitCode: 2,
      hint: expect.stringContaining('--approve'),
    })
  })
})
