/** Files that hold a key: 0600 in a 0700 directory, created exclusively, checked whenever they are read. */
import { constants } from 'node:fs'
import { lstat, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OrchError, systemErrorCode } from '../errors/orch-error.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
const largestSecretBytes = 64 * 1024

/** Replaces a file as a whole; readers see the old or the new content. Throws ORCH_CONFIG_UNTRUSTED for an unsafe directory. */
export async function writeSecretFile(path: string, content: string): Promise<void> {
  const directory = dirname(path)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await assertOwnDirectory(directory)
  const fresh = `${path}.new`
  // What a crash may have left; the exclusive open then refuses anything that appears in between.
  await rm(fresh, { force: true })
  const file = await open(fresh, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)
  try {
    // The mode above is cut by the umask, never widened; this makes it exact.
    await file.chmod(0o600)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(fresh, path)
}

/** The content, or null where there is no file. Throws ORCH_CONFIG_UNTRUSTED when others may read it, own it, or put a link there. */
export async function readSecretFile(path: string): Promise<string | null> {
  const file = await openUnlessMissing(path)
  if (file === null) return null
  try {
    await assertPrivate(file, path)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function openUnlessMissing(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (code === 'ELOOP') throw unsafe(path, 'is a link', `Replace it by a file of your own`)
    throw unsafe(path, `cannot be read (${code ?? 'unknown'})`, 'Check its owner and its mode')
  }
}

async function assertPrivate(file: FileHandle, path: string): Promise<void> {
  const { mode, uid, size } = await file.stat()
  if (!hasOwners()) return
  if ((mode & 0o170000) !== 0o100000) throw unsafe(path, 'is no ordinary file', 'Remove it')
  if (uid !== process.getuid?.()) throw unsafe(path, 'belongs to somebody else', 'Remove it and store the key again')
  if ((mode & 0o077) !== 0)
    throw unsafe(path, 'is open to other users', `chmod 600 '${path}', and think of the key as seen`)
  if (size > largestSecretBytes) throw unsafe(path, 'is too large for a key', 'Remove it and store the key again')
}

async function assertOwnDirectory(directory: string): Promise<void> {
  if (!hasOwners()) return
  const { mode, uid } = await lstat(directory)
  if ((mode & 0o170000) !== 0o040000) throw unsafe(directory, 'is a link', 'Replace it by a directory of your own')
  if (uid !== process.getuid?.()) throw unsafe(directory, 'belongs to somebody else', 'Set ORCH_CONFIG_DIR')
  if ((mode & 0o077) !== 0) throw unsafe(directory, 'is open to other users', `chmod 700 '${directory}'`)
}

/** Windows has neither owners nor modes that mean anything here; its profile directory is private by itself. */
function hasOwners(): boolean {
  return process.getuid !== undefined
}

function unsafe(path: string, why: string, hint: string): OrchError {
  return new OrchError('ORCH_CONFIG_UNTRUSTED', `${path} ${why}`, { hint })
}
