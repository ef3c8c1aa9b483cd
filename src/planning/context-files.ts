/** Files that a person gives the architect to read. */
import { resolve } from 'node:path'
import { OrchError } from '../errors/orch-error.ts'
import { boundedText, kib } from './bounded-text.ts'

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
    const text = await boundedText(resolve(cwd, name), { name: `--context ${name}`, limitBytes: contextFileLimitBytes })
    totalBytes += Buffer.byteLength(text)
    if (totalBytes > contextTotalLimitBytes) {
      throw new OrchError(
        'ORCH_FILE_UNREADABLE',
        `--context ${name} makes the context larger than ${kib(contextTotalLimitBytes)}`,
        {
          hint: 'Give fewer files, or a summary of them',
        },
      )
    }
    files.push({ name, text })
  }
  return files
}
