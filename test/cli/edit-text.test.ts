import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { editText } from '../../src/cli/edit-text.ts'
import { temporaryDirectory } from '../support/databases.ts'

function editor(script: string): NodeJS.ProcessEnv {
  const path = join(temporaryDirectory(), 'editor.cjs')
  writeFileSync(path, `const fs = require('node:fs'); const file = process.argv[2]; ${script}`)
  return { EDITOR: `${process.execPath} ${path}` }
}

it('returns what the editor left in the file', async () => {
  const env = editor(`fs.writeFileSync(file, fs.readFileSync(file, 'utf8').toUpperCase())`)
  expect(await editText('a prompt', { env, name: 'role.md' })).toBe('A PROMPT\n')
})

it('takes nothing from an editor that failed', async () => {
  const env = editor(`fs.writeFileSync(file, 'half'); process.exit(3)`)
  await expect(editText('a', { env, name: 'role.md' })).rejects.toMatchObject({ code: 'ORCH_USAGE' })
})

it('says which variable to set where there is no editor', async () => {
  await expect(editText('a', { env: {}, name: 'x' })).rejects.toMatchObject({ hint: expect.stringContaining('EDITOR') })
})

it('names an editor that does not exist', async () => {
  const missing = editText('a', { env: { EDITOR: '/no/such/editor' }, name: 'x' })
  await expect(missing).rejects.toThrow('/no/such/editor')
})
