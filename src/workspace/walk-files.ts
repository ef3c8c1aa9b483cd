import type { Dirent } from 'node:fs'
import type { ConfinedDirectory } from './confined-directory.ts'
import { isTemporaryName } from './confined-file.ts'

/** Directories that hold no work of a project: bookkeeping of others, and what an installer can bring back. */
const skippedDirectories = new Set(['.git', '.hg', '.svn', '.orch', 'node_modules'])

/** Whether a walk passes by this directory, unless it is the place where the walk starts. */
export function isSkippedDirectory(name: string): boolean {
  return skippedDirectories.has(name)
}

export interface WalkedEntry {
  readonly name: string
  /** Relative to the workspace. */
  readonly path: string
  readonly kind: EntryKind
  /** Open until the next entry is asked for. */
  readonly directory: ConfinedDirectory
  /** Directories below the start of the walk. */
  readonly depth: number
}

export type EntryKind = 'file' | 'directory' | 'link' | 'other'

/**
 * Everything below a directory in order of name, a directory before its content. Links are named, never followed.
 * Directories that vanish or refuse to open meanwhile are passed by. Closes what it opens, not `start`.
 */
export async function* walkEntries(
  start: ConfinedDirectory,
  maxDepth = Number.POSITIVE_INFINITY,
  depth = 1,
): AsyncGenerator<WalkedEntry> {
  for (const entry of await start.entries()) {
    if (isTemporaryName(entry.name)) continue
    const kind = entryKind(entry)
    yield { name: entry.name, path: start.pathOf(entry.name), kind, directory: start, depth }
    if (kind !== 'directory' || isSkippedDirectory(entry.name) || depth >= maxDepth) continue
    const inner = await start.enter(entry.name).catch(() => null)
    if (inner === null) continue
    try {
      yield* walkEntries(inner, maxDepth, depth + 1)
    } finally {
      await inner.close()
    }
  }
}

/** What a directory entry or a stat is. */
export function entryKind(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): EntryKind {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSymbolicLink() ? 'link' : 'other'
}
