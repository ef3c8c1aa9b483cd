import type { ConfinedDirectory } from './confined-directory.ts'
import { readFileIn } from './confined-file.ts'
import { compileGlobs } from './glob.ts'
import { secretBy } from './protected-paths.ts'
import { walkEntries, type WalkedEntry } from './walk-files.ts'

export interface Search {
  /** Literal text to find on one line. */
  readonly text: string
  /** Where to look; default the whole workspace. */
  readonly path?: string
  /** Which files, as globs of workspace paths; default all. */
  readonly globs?: readonly string[]
  readonly ignoreCase?: boolean
  /** Matches returned at most. Default 200. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

export interface SearchMatch {
  readonly path: string
  /** From 1. */
  readonly line: number
  /** The line, shortened around the match. */
  readonly text: string
}

export interface SearchResult {
  readonly matches: readonly SearchMatch[]
  /** False when a limit ended the search early. */
  readonly complete: boolean
  /** Files too large or not text. */
  readonly skippedFiles: number
}

const largestFileBytes = 2 * 1024 * 1024
const mostFiles = 50_000
const widestLine = 240

/** Searches text files below a directory, in order of path. Secrets are passed by, links not followed. */
export async function searchFiles(start: ConfinedDirectory, search: Search): Promise<SearchResult> {
  const wanted = search.globs === undefined ? () => true : compileGlobs(search.globs)
  const limit = search.limit ?? 200
  const matches: SearchMatch[] = []
  let files = 0
  let skippedFiles = 0
  for await (const entry of walkEntries(start)) {
    search.signal?.throwIfAborted()
    if (entry.kind !== 'file' || !wanted(entry.path) || secretBy(entry.path.split('/')) !== null) continue
    files += 1
    if (files > mostFiles) return { matches, complete: false, skippedFiles }
    const text = await textOf(entry)
    if (text === null) skippedFiles += 1
    else matches.push(...matchesIn(text, entry.path, search))
    if (matches.length > limit) return { matches: matches.slice(0, limit), complete: false, skippedFiles }
  }
  return { matches, complete: true, skippedFiles }
}

async function textOf({ directory, name }: WalkedEntry): Promise<string | null> {
  const content = await readFileIn(directory, name, largestFileBytes).catch(() => null)
  return content === null || content.includes(0) ? null : content.toString('utf8')
}

function matchesIn(text: string, path: string, { text: sought, ignoreCase = false }: Search): SearchMatch[] {
  const fold = (value: string): string => (ignoreCase ? value.toLowerCase() : value)
  const needle = fold(sought)
  // Most files hold no match: one look at the whole before it is cut into lines.
  if (!fold(text).includes(needle)) return []
  return text.split('\n').flatMap((line, index) => {
    const at = fold(line).indexOf(needle)
    return at === -1 ? [] : [{ path, line: index + 1, text: shorten(line.replace(/\r$/, ''), at) }]
  })
}

function shorten(line: string, at: number): string {
  if (line.length <= widestLine) return line
  const from = Math.max(0, Math.min(at - widestLine / 4, line.length - widestLine))
  const piece = line.slice(from, from + widestLine)
  return `${from > 0 ? '…' : ''}${piece}${from + widestLine < line.length ? '…' : ''}`
}
