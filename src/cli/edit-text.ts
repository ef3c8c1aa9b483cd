import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorMessage, OrchError } from '../errors/orch-error.ts'

export interface EditOptions {
  readonly env: NodeJS.ProcessEnv
  /** File name, so that the editor knows what kind of text it is. */
  readonly name: string
}

/**
 * Lets a person change a text in the editor that `VISUAL` or `EDITOR` names, in a private temporary file.
 * Throws ORCH_USAGE where neither is set, the editor cannot be started, or it ends with a failure.
 */
export async function editText(text: string, { env, name }: EditOptions): Promise<string> {
  const [editor, ...args] = (env['VISUAL'] ?? env['EDITOR'] ?? '').split(' ').filter((word) => word !== '')
  if (editor === undefined) {
    throw new OrchError('ORCH_USAGE', 'There is no editor: neither VISUAL nor EDITOR is set', {
      hint: 'Set EDITOR, or use the flags of the command',
    })
  }
  const directory = await mkdtemp(join(tmpdir(), 'orch-edit-'))
  const path = join(directory, name)
  try {
    await writeFile(path, `${text}\n`, { mode: 0o600 })
    await runEditor(editor, [...args, path], env)
    return await readFile(path, 'utf8')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function runEditor(editor: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) =>
      reject(new OrchError('ORCH_USAGE', `The editor ${editor} ${reason}; nothing was changed`))
    const child = spawn(editor, args, { stdio: 'inherit', env })
    child.on('error', (error) => fail(`could not be started: ${errorMessage(error)}`))
    child.on('exit', (code, signal) => (code === 0 ? resolve() : fail(`ended with ${signal ?? code}`)))
  })
}
