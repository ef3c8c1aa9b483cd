import { readFile, stat } from 'node:fs/promises'
import { OrchError, systemErrorCode } from '../errors/orch-error.ts'

export interface BoundedRead {
  /** As the person named it. */
  readonly name: string
  readonly limitBytes: number
}

/** The text of a file that a person named. Throws ORCH_FILE_UNREADABLE when it is missing, no file, too large, or not UTF-8. */
export async function boundedText(path: string, { name, limitBytes }: BoundedRead): Promise<string> {
  const bytes = await readBytes(path, { name, limitBytes })
  try {
    // NUL is valid UTF-8 and in no text file.
    if (bytes.includes(0)) throw new TypeError('NUL')
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable(`${name} is not UTF-8 text`)
  }
}

async function readBytes(path: string, { name, limitBytes }: BoundedRead): Promise<Buffer> {
  try {
    const found = await stat(path)
    // Reading a device or a pipe could wait for ever.
    if (!found.isFile()) throw unreadable(`${name} is ${found.isDirectory() ? 'a directory' : 'not a file'}`)
    if (found.size > limitBytes) {
      throw unreadable(`${name} has ${kib(found.size)}; the limit is ${kib(limitBytes)}`)
    }
    return await readFile(path)
  } catch (error) {
    if (error instanceof OrchError) throw error
    const code = systemErrorCode(error)
    throw unreadable(code === 'ENOENT' ? `${name} does not exist` : `${name} cannot be read (${code ?? 'unknown'})`)
  }
}

function unreadable(message: string): OrchError {
  return new OrchError('ORCH_FILE_UNREADABLE', message)
}

/** Bytes as whole KiB, rounded up. */
export function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`
}
