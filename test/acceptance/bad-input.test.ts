import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/databases.ts'
import { runOrch, runOrchProcess } from '../support/run-orch.ts'

const stackTrace = /^\s+at /m

function visibleFiles(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name !== '.home')
}

describe('an unknown command', () => {
  it('ends with status 2 and a suggestion, and touches nothing', async () => {
    const cwd = temporaryDirectory()
    const result = await runOrch(['jbos'], { cwd })
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toContain('jobs')
    expect(result.stderr).not.toMatch(stackTrace)
    expect(visibleFiles(cwd)).toEqual([])
  })

  it('is suggested for a verb too', async () => {
    const result = await runOrch(['jobs', 'lst'], { cwd: temporaryDirectory() })
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toContain('list')
  })
})

describe('an unknown flag', () => {
  it('ends with status 2 and a suggestion, and touches nothing', async () => {
    const cwd = temporaryDirectory()
    const result = await runOrch(['db', 'migrate', '--dry-rum'], { cwd })
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toContain('--dry-run')
    expect(visibleFiles(cwd)).toEqual([])
  })

  it('leaves stdout empty and prints the error as JSON on stderr with --json', async () => {
    const result = await runOrch(['jobs', 'list', '--json', '--statee', 'failed'], { cwd: temporaryDirectory() })
    expect(result.stdout).toBe('')
    expect(JSON.parse(result.stderr)).toEqual({
      kind: 'error',
      version: 1,
      code: 'ORCH_USAGE',
      message: expect.stringContaining('--statee'),
      hint: expect.stringContaining('--state'),
      exitCode: 2,
    })
  })
})

describe('a malformed configuration', () => {
  function withConfig(text: string): string {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, '.orch'))
    writeFileSync(join(cwd, '.orch/config.yaml'), text)
    return cwd
  }

  it('ends with status 3 and names the file', async () => {
    const cwd = withConfig('limits: [unclosed')
    const result = await runOrch(['jobs', 'list'], { cwd })
    expect(result).toMatchObject({ exitCode: 3, stdout: '' })
    expect(result.stderr).toContain(join(cwd, '.orch/config.yaml'))
    expect(result.stderr).not.toMatch(stackTrace)
  })

  it('names the key, what was expected and what was found', async () => {
    const cwd = withConfig('limits:\n  concurrency: many\n')
    const result = await runOrch(['jobs', 'list'], { cwd })
    expect(result.exitCode).toBe(3)
    expect(result.stderr).toMatch(/limits\.concurrency must be a whole number of at least 1, found "many"/)
  })

  it('suggests the key that was probably meant', async () => {
    const result = await runOrch(['jobs', 'list'], { cwd: withConfig('limits:\n  concurency: 3\n') })
    expect(result.exitCode).toBe(3)
    expect(result.stderr).toContain('limits.concurrency')
  })
})

describe('an unreachable database', () => {
  it('ends with status 6, one line and a hint', async () => {
    const result = await runOrch(['jobs', 'list', '--db', 'postgres://nobody@127.0.0.1:1/none'], {
      cwd: temporaryDirectory(),
    })
    expect(result).toMatchObject({ exitCode: 6, stdout: '' })
    expect(result.stderr).toContain('ORCH_DATABASE_UNREACHABLE')
    expect(result.stderr).not.toMatch(stackTrace)
  })

  it('shows the stack with --verbose only', async () => {
    const result = await runOrch(['jobs', 'list', '--verbose', '--db', 'postgres://nobody@127.0.0.1:1/none'], {
      cwd: temporaryDirectory(),
    })
    expect(result.stderr).toMatch(stackTrace)
  })

  it('is said for a file that is no database', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'notes.db'), 'these are notes, not pages of a database'.repeat(100))
    const result = await runOrch(['jobs', 'list', '--db', 'notes.db'], { cwd })
    expect(result).toMatchObject({ exitCode: 6, stdout: '' })
    expect(result.stderr).toContain('notes.db')
  })
})

describe('the process', () => {
  it('carries the same exit code, streams and message', async () => {
    const result = await runOrchProcess(['jbos', '--json'], { cwd: temporaryDirectory() })
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(JSON.parse(result.stderr)).toMatchObject({ kind: 'error', code: 'ORCH_USAGE', exitCode: 2 })
  })

  it('answers --version from the manifest', async () => {
    const result = await runOrchProcess(['--version'], { cwd: temporaryDirectory() })
    expect(result).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' })
  })
})
