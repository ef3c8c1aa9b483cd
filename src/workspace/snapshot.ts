import type { ConfinedDirectory } from './confined-directory.ts'
import { hashFileIn, hashText } from './confined-file.ts'
import { entryKind, walkEntries, type WalkedEntry } from './walk-files.ts'

/** A file at one moment. */
export interface FileImage {
  /** Of the content; of the target text for a link. */
  readonly sha256: string
  readonly bytes: number
}

export interface Snapshot {
  /** By path relative to the workspace. */
  readonly files: ReadonlyMap<string, FileImage>
  /** False when there were more files than the limit: then absence proves nothing. */
  readonly complete: boolean
}

export interface SnapshotChange {
  readonly path: string
  readonly change: 'created' | 'changed' | 'deleted'
}

/** What differs between two snapshots of the same globs, in order of path. */
export function compareSnapshots(before: Snapshot, after: Snapshot): readonly SnapshotChange[] {
  const changes: SnapshotChange[] = []
  for (const [path, image] of after.files) {
    const old = before.files.get(path)
    if (old === undefined) changes.push({ path, change: 'created' })
    else if (old.sha256 !== image.sha256) changes.push({ path, change: 'changed' })
  }
  for (const path of before.files.keys()) if (!after.files.has(path)) changes.push({ path, change: 'deleted' })
  return changes.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

interface CachedImage extends FileImage {
  readonly stamp: string
}

/**
 * Takes snapshots and remembers hashes by inode, size and times. A program cannot set a change time, so a file with the
 * same stamp was not written in between, once it is older than the coarsest clock that stamps files.
 */
export class Snapshots {
  readonly #cache = new Map<string, CachedImage>()
  #newestMs = 0

  /** Files and links below `start` for which `wanted` holds, at most `limit`. */
  async take(
    start: ConfinedDirectory,
    { wanted, limit }: { wanted: (path: string) => boolean; limit: number },
  ): Promise<Snapshot> {
    const files = new Map<string, FileImage>()
    for await (const entry of walkEntries(start)) {
      if ((entry.kind !== 'file' && entry.kind !== 'link') || !wanted(entry.path)) continue
      if (files.size >= limit) return { files, complete: false }
      const image = await this.#image(entry)
      if (image !== null) files.set(entry.path, image)
    }
    return { files, complete: true }
  }

  /** One file or link; nothing when it is neither or gone. */
  async takeOne(directory: ConfinedDirectory, name: string): Promise<Snapshot> {
    const found = await directory.stat(name)
    const kind = found === null ? 'other' : entryKind(found)
    const path = directory.pathOf(name)
    const known = kind === 'file' || kind === 'link'
    const image = known ? await this.#image({ directory, name, path, kind, depth: 1 }) : null
    return { files: new Map(image === null ? [] : [[path, image]]), complete: true }
  }

  async #image({ directory, name, path, kind }: WalkedEntry): Promise<FileImage | null> {
    const found = await directory.stat(name)
    if (found === null) return null
    if (kind === 'link') return { sha256: hashText(await directory.linkTarget(name)), bytes: found.size }
    const stamp = [found.ino, found.size, found.mtimeMs, found.ctimeMs].join(':')
    const cached = this.#cache.get(path)
    if (cached?.stamp === stamp) return cached
    const sha256 = await hashFileIn(directory, name).catch(() => null)
    // Unreadable or swapped meanwhile: an image that equals no other, so that it counts as changed.
    if (sha256 === null) return { sha256: `unreadable:${stamp}`, bytes: found.size }
    const image = { sha256, bytes: found.size, stamp }
    // A file written in the last tick could be written again without a new stamp, so only older ones are remembered.
    // The newest stamp seen stands in for the time of the file system, which need not be this machine's.
    this.#newestMs = Math.max(this.#newestMs, found.ctimeMs)
    if (this.#newestMs - found.ctimeMs > settleMs) this.#cache.set(path, image)
    return image
  }
}

/** File systems stamp with the kernel's tick (4 to 10 ms on Linux) or, on FAT, 2 s. */
const settleMs = 2000
