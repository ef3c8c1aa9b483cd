/** A file appears whole or not at all, readable by its owner only, and never in the place of another one. */
import { link, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemErrorCode } from '../../errors/orch-error.ts'
import type { Random } from '../../runtime/random.ts'

/** An empty file, 0600, beside the place it is meant for. */
export async function createDraft(target: string, random: Random): Promise<string> {
  const suffix = Math.floor(random.next() * 2 ** 48).toString(36)
  const draft = join(dirname(target), `.${basename(target)}.${suffix}.part`)
  const file = await open(draft, 'wx', 0o600)
  await file.close()
  return draft
}

/** Gives a finished draft its name. False where the name is taken by now; the draft is then still there. */
export async function publishDraft(draft: string, target: string): Promise<boolean> {
  await flush(draft)
  try {
    await link(draft, target)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'EEXIST') return false
    // A file system without hard links: reserve the name, then replace the reservation.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code ?? '')) throw error
    if (!(await reserve(target))) return false
    await rename(draft, target)
    await flush(dirname(target))
    return true
  }
  await rm(draft)
  await flush(dirname(target))
  return true
}

async function reserve(target: string): Promise<boolean> {
  try {
    await (await open(target, 'wx', 0o600)).close()
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Waits until a file, or the names in a directory, are on the disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
