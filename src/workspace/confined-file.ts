import { createHash } from 'node:crypto'
import { rename, unlink, type FileHandle } from 'node:fs/promises'
import { OrchError, systemErrorCode } from '../errors/orch-error.ts'
import { fileError, openForCreation, openForReading, type ConfinedDirectory } from './confined-directory.ts'
import { outside } from './confined-path.ts'

const chunkBytes = 256 * 1024
let temporaryFiles = 0

/** Names of files that are still being written; they are never listed. */
export function isTemporaryName(name: string): boolean {
  return /^\.orch-[0-9]+-[0-9]+\.tmp$/.test(name)
}

/**
 * The content of a regular file. Throws ORCH_NOT_FOUND, ORCH_OUTSIDE_WORKSPACE for a link, ORCH_FILE_UNREADABLE for
 * anything that is no regular file or is larger than `limitBytes`, also when it grows meanwhile.
 */
export async function readFileIn(directory: ConfinedDirectory, name: string, limitBytes: number): Promise<Buffer> {
  const handle = await openRegular(directory, name)
  try {
    const chunks: Buffer[] = []
    let total = 0
    for await (const chunk of chunksOf(handle)) {
      total += chunk.length
      if (total > limitBytes) {
        const message = `${directory.pathOf(name)} is larger than ${limitBytes} bytes`
        throw new OrchError('ORCH_FILE_UNREADABLE', message)
      }
      chunks.push(Buffer.from(chunk))
    }
    return Buffer.concat(chunks)
  } finally {
    await handle.close()
  }
}

/** SHA-256 of a regular file, in hex; null when there is none. */
export async function hashFileIn(directory: ConfinedDirectory, name: string): Promise<string | null> {
  if ((await directory.stat(name)) === null) return null
  const handle = await openRegular(directory, name)
  try {
    const hash = createHash('sha256')
    for await (const chunk of chunksOf(handle)) hash.update(chunk)
    return hash.digest('hex')
  } finally {
    await handle.close()
  }
}

/** SHA-256 of text as it would be written, in hex. */
export function hashText(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/**
 * Replaces or creates a file in one step: readers see the old content or the new, a crash leaves one of them. Refuses
 * links, hard-linked files (the other name may lie anywhere) and special files. Keeps the permission bits.
 */
export async function writeFileIn(directory: ConfinedDirectory, name: string, content: Buffer): Promise<void> {
  const existing = await directory.stat(name)
  const path = directory.pathOf(name)
  if (existing?.isSymbolicLink()) throw outside(path, 'it is a symbolic link')
  if (existing && !existing.isFile()) throw outside(path, 'it exists and is not a regular file')
  if (existing && existing.nlink > 1) throw outside(path, 'it has more than one hard link')
  const temporary = await createTemporary(directory, existing === null ? 0o666 : existing.mode & 0o777)
  try {
    try {
      await temporary.handle.writeFile(content)
      // The mask of this process may have taken bits that the old file had.
      if (existing) await temporary.handle.chmod(existing.mode & 0o777)
      await temporary.handle.sync()
    } finally {
      await temporary.handle.close()
    }
    await rename(directory.systemPath(temporary.name), directory.systemPath(name))
  } catch (error) {
    await unlink(directory.systemPath(temporary.name)).catch(() => {})
    throw fileError(path, error)
  }
  await directory.sync()
}

async function createTemporary(
  directory: ConfinedDirectory,
  mode: number,
): Promise<{ handle: FileHandle; name: string }> {
  for (;;) {
    temporaryFiles += 1
    const name = `.orch-${process.pid}-${temporaryFiles}.tmp`
    try {
      return { handle: await directory.openFile(name, openForCreation, mode), name }
    } catch (error) {
      // A leftover of a crashed process with the same id: the next number is free.
      if (!(error instanceof OrchError) || systemErrorCode(error.cause) !== 'EEXIST') throw error
    }
  }
}

async function openRegular(directory: ConfinedDirectory, name: string): Promise<FileHandle> {
  const handle = await directory.openFile(name, openForReading)
  const found = await handle.stat()
  if (found.isFile()) return handle
  await handle.close()
  throw new OrchError('ORCH_FILE_UNREADABLE', `${directory.pathOf(name)} is not a regular file`)
}

/** The same buffer is filled again for every chunk: copy what you keep. */
async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, null)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}
