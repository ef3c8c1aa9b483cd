/** Files that a person gives the architect to read. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { OrchError, systemErrorCode } from '../errors/orch-error.ts'

export interface ContextFile {
  /** As the person named it. */
  readonly name: string
  readonly text: string
}

export const contextFileLimitBytes = 256 * 1024
export const contextTotalLimitBytes = 1024 * 1024

/** Reads the files in order. Throws ORCH_FILE_UNREADABLE naming the file that is missing, no text, or too large. */
export async function readContextFiles(names: readonly string[], cwd: string): Promise<readonly ContextFile[]> {
  const files: ContextFile[] = []
  let totalBytes = 0
  for (const name of names) {
    const bytes = await readOne(name, resolve(cwd, name))
    totalBytes += bytes.length
    if (totalBytes > contextTotalLimitBytes) {
      throw unreadable(name, `makes the context larger than ${kib(contextTotalLimitBytes)}`, 'Give fewer files')
    }
    files.push({ name, text: decode(name, bytes) })
  }
  return files
}

async function readOne(name: string, path: string): Promise<Buffer> {
  try {
    const found = await stat(path)
    // Reading a device or a pipe could wait for ever.
    if (!found.isFile())
      throw unreadable(name, found.isDirectory() ? 'is a directory' : 'is not a file', 'Name files one by one')
    if (found.size > contextFileLimitBytes) {
      throw unreadable(
        name,
        `has ${kib(found.size)}; the limit is ${kib(contextFileLimitBytes)}`,
        'Give an excerpt or a summary of it',
      )
    }
    return await readFile(path)
  } catch (error) {
    if (error instanceof OrchError) throw error
    const missing = systemErrorCode(error) === 'ENOENT'
    throw unreadable(
      name,
      missing ? 'does not exist' : `cannot be read (${systemErrorCode(error) ?? 'unknown'})`,
      undefined,
    )
  }
}

function decode(name: string, bytes: Buffer): string {
  try {
    if (bytes.includes(0)) throw new TypeError('NUL')
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable(name, 'is not UTF-8 text', 'Only text files can be given as context')
  }
}

function unreadable(name: string, reason: string, hint: string | undefined): OrchError {
  return new OrchError('ORCH_FILE_UNREADABLE', `--context ${name}: ${reason}`, { hint })
}

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`
}
