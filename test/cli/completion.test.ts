import { describe, expect, it } from 'vitest'
import { completeWords, completionScript } from '../../src/cli/completion.ts'
import { temporaryDirectory } from '../support/databases.ts'
import { runOrch } from '../support/run-orch.ts'

async function completions(...words: readonly string[]): Promise<readonly string[]> {
  const lines = (await completeWords(words)).trim().split('\n').slice(0, -1)
  return lines.map((line) => line.split('\t')[0] ?? '')
}

describe('completion', () => {
  it('completes nouns', async () => {
    expect(await completions('con')).toEqual(['config'])
  })

  it('completes the verbs of a noun', async () => {
    expect(await completions('config', '')).toEqual(['list', 'get', 'set', 'unset'])
  })

  it('completes the options of a verb', async () => {
    expect(await completions('config', 'set', '--sh')).toEqual(['--shared'])
  })

  it('completes the choices of an argument', async () => {
    expect(await completions('completion', '')).toEqual(['bash', 'zsh', 'fish', 'powershell'])
  })

  it('offers nothing of its own machinery', async () => {
    expect(await completions('comp')).toEqual(['completion'])
  })

  it.each(['bash', 'zsh', 'fish', 'powershell'])('writes a %s script that calls back', async (shell) => {
    expect(await completionScript(shell)).toMatch(/orch completion complete '?--/)
  })

  it('answers the script through the command line', async () => {
    const result = await runOrch(['completion', 'complete', '--', 'config', 'u'], { cwd: temporaryDirectory() })
    expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^unset\t.*\n:4\n$/) })
  })

  it('refuses a shell it does not know', async () => {
    const result = await runOrch(['completion', 'tcsh'], { cwd: temporaryDirectory() })
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  })
})
