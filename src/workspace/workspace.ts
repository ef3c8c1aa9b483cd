import { lstat, realpath } from 'node:fs/promises'
import { OrchError, errorMessage } from '../errors/orch-error.ts'
import type { Ids } from '../runtime/ids.ts'
import { ConfinedDirectory, type DirectoryIdentity } from './confined-directory.ts'
import { hashFileIn, hashText, readFileIn, writeFileIn } from './confined-file.ts'
import { confinedNames, outside } from './confined-path.ts'
import { compileGlobs, literalPrefix } from './glob.ts'
import { editText, type EditMiss } from './edit-text.ts'
import { decodeText, readLines, type ReadLines, type TextLines } from './text-lines.ts'
import { protectedBy, secretBy } from './protected-paths.ts'
import { searchFiles, type Search, type SearchResult } from './search-files.ts'
import { Snapshots, type Snapshot } from './snapshot.ts'
import { entryKind, walkEntries, type EntryKind } from './walk-files.ts'
import { proveMarker } from './workspace-marker.ts'

export interface WorkspaceLimits {
  /** Largest file that is read, written or edited. */
  readonly fileBytes: number
  /** Sum of everything written through one Workspace. */
  readonly writtenBytes: number
  /** Writes through one Workspace. */
  readonly writes: number
  /** Entries of a list or a snapshot. */
  readonly entries: number
}

export const defaultWorkspaceLimits: WorkspaceLimits = {
  fileBytes: 8 * 1024 * 1024,
  writtenBytes: 512 * 1024 * 1024,
  writes: 20_000,
  entries: 50_000,
}

export interface OpenWorkspaceOptions {
  /** Further read-only paths of this workspace, with everything below. */
  readonly protectedPaths?: readonly string[]
  readonly limits?: Partial<WorkspaceLimits>
  /** Creates the marker when it is missing. Without it a directory without a marker is refused. */
  readonly createWith?: Ids
}

export interface ListedEntry {
  readonly path: string
  readonly kind: EntryKind
  /** Of files; 0 for the others. */
  readonly bytes: number
}

export interface WrittenFile {
  readonly path: string
  /** SHA-256 of what was there; null when there was nothing. */
  readonly beforeHash: string | null
  readonly afterHash: string
  readonly bytes: number
}

export type EditResult = { readonly kind: 'edited'; readonly file: WrittenFile; readonly replaced: number } | EditMiss

/**
 * Opens a workspace: a directory with the marker `.orch/workspace.json`. Throws ORCH_WORKSPACE_INVALID when it is
 * missing, not a directory, or not marked as a workspace.
 */
export async function openWorkspace(root: string, options: OpenWorkspaceOptions = {}): Promise<Workspace> {
  const place = await realpath(root).catch((error: unknown) => {
    const message = `the workspace ${root} cannot be reached: ${errorMessage(error)}`
    throw new OrchError('ORCH_WORKSPACE_INVALID', message, { hint: 'Name an existing directory with --workspace.' })
  })
  const found = await lstat(place)
  if (!found.isDirectory()) {
    throw new OrchError('ORCH_WORKSPACE_INVALID', `the workspace ${root} is not a directory`, {
      hint: 'Name a directory with --workspace.',
    })
  }
  const identity = { device: found.dev, inode: found.ino }
  const directory = await ConfinedDirectory.root(place, identity)
  try {
    const id = await proveMarker(directory, place, options.createWith)
    return new Workspace({ root: place, id, identity, options })
  } finally {
    await directory.close()
  }
}

interface WorkspaceParts {
  readonly root: string
  readonly id: string
  readonly identity: DirectoryIdentity
  readonly options: OpenWorkspaceOptions
}

/**
 * Confined access to the files of one directory. Paths are relative to it. Every method throws ORCH_OUTSIDE_WORKSPACE
 * for a path that leaves it, passes a link, or names a protected file (writes) or a secret (reads and writes).
 */
export class Workspace {
  readonly root: string
  /** From the marker: the same workspace under another path has the same id. */
  readonly id: string
  readonly #identity: DirectoryIdentity
  readonly #limits: WorkspaceLimits
  readonly #protectedPaths: readonly string[]
  readonly #snapshots = new Snapshots()
  #writes = 0
  #writtenBytes = 0

  constructor({ root, id, identity, options }: WorkspaceParts) {
    this.root = root
    this.id = id
    this.#identity = identity
    this.#limits = { ...defaultWorkspaceLimits, ...options.limits }
    this.#protectedPaths = options.protectedPaths ?? []
  }

  /** The one spelling of a path that locks, globs and the journal use; '' is the workspace itself. */
  normalize(path: string): string {
    return confinedNames(path, this.root).join('/')
  }

  /** Entries below a directory, `depth` levels deep (default 1). `complete` is false when the limit cut it. */
  async list(
    path: string,
    { depth = 1, limit = this.#limits.entries }: { depth?: number; limit?: number } = {},
  ): Promise<{ readonly entries: readonly ListedEntry[]; readonly complete: boolean }> {
    return this.#within(confinedNames(path, this.root), async (directory) => {
      const entries: ListedEntry[] = []
      for await (const entry of walkEntries(directory, depth)) {
        if (entries.length >= limit) return { entries, complete: false }
        const bytes = entry.kind === 'file' ? ((await entry.directory.stat(entry.name))?.size ?? 0) : 0
        entries.push({ path: entry.path, kind: entry.kind, bytes })
      }
      return { entries, complete: true }
    })
  }

  /** Lines of a text file. Throws ORCH_FILE_UNREADABLE for binary or oversized files, ORCH_NOT_FOUND for none. */
  async read(path: string, limits: ReadLines = {}): Promise<TextLines> {
    const content = await this.readBytes(path)
    return readLines(decodeText(this.normalize(path), content), limits)
  }

  /** The whole content of a file. */
  async readBytes(path: string): Promise<Buffer> {
    const names = this.#readable(path)
    return this.#inParent(names, (directory, name) => readFileIn(directory, name, this.#limits.fileBytes))
  }

  /** Creates or replaces a file in one step, with the directories above it. */
  async write(path: string, content: string): Promise<WrittenFile> {
    const names = this.#writable(path)
    const bytes = Buffer.from(content, 'utf8')
    this.#spend(names, bytes.length)
    return this.#inParent(
      names,
      async (directory, name) => {
        const beforeHash = await hashFileIn(directory, name)
        await writeFileIn(directory, name, bytes)
        return { path: names.join('/'), beforeHash, afterHash: hashText(content), bytes: bytes.length }
      },
      { create: true },
    )
  }

  /** Replaces exact text that occurs once, or everywhere with `all`. A miss names the nearest text and changes nothing. */
  async edit(
    path: string,
    { find, replace, all = false }: { find: string; replace: string; all?: boolean },
  ): Promise<EditResult> {
    const names = this.#writable(path)
    const text = decodeText(names.join('/'), await this.readBytes(path))
    const edited = editText(text, { find, replace, all })
    if (edited.kind !== 'edited') return edited
    return { kind: 'edited', replaced: edited.replaced, file: await this.write(path, edited.text) }
  }

  /** Lines that contain a text (not a pattern: those of a model could hang this process). */
  async search(search: Search): Promise<SearchResult> {
    const names = confinedNames(search.path ?? '', this.root)
    return this.#within(names, (directory) => searchFiles(directory, search))
  }

  /** SHA-256 of a file in hex, null when there is none. Secrets may be hashed: a hash gives nothing away. */
  async hash(path: string): Promise<string | null> {
    const names = this.#file(path)
    return this.#inParent(names, hashFileIn).catch(nullWhenMissing)
  }

  /** What a path is, without following links; null when there is nothing. */
  async stat(path: string): Promise<{ kind: EntryKind; bytes: number; modifiedMs: number } | null> {
    const names = this.#file(path)
    return this.#inParent(names, async (directory, name) => {
      const found = await directory.stat(name)
      return found && { kind: entryKind(found), bytes: found.size, modifiedMs: found.mtimeMs }
    }).catch(nullWhenMissing)
  }

  /** Hashes of all files that fit the globs; `.git`, `.orch` and `node_modules` are left out. */
  async snapshot(globs: readonly string[] = ['**']): Promise<Snapshot> {
    const files = new Map<string, { sha256: string; bytes: number }>()
    const wanted = compileGlobs(globs)
    let complete = true
    for (const prefix of startingPlaces(globs)) {
      const limit = this.#limits.entries - files.size
      const part = await this.#snapshotBelow(confinedNames(prefix, this.root), { wanted, limit })
      for (const [path, image] of part.files) files.set(path, image)
      complete &&= part.complete
    }
    return { files, complete }
  }

  async #snapshotBelow(
    names: readonly string[],
    options: { wanted: (path: string) => boolean; limit: number },
  ): Promise<Snapshot> {
    const nothing: Snapshot = { files: new Map(), complete: true }
    const kind = names.length === 0 ? 'directory' : ((await this.stat(names.join('/')))?.kind ?? null)
    if (kind === 'directory') return this.#within(names, (directory) => this.#snapshots.take(directory, options))
    if (kind === null) return nothing
    return this.#inParent(names, (directory, name) => this.#snapshots.takeOne(directory, name))
  }

  /** Names of a path that must be a file: not the workspace itself. */
  #file(path: string): readonly string[] {
    const names = confinedNames(path, this.root)
    if (names.length === 0) throw outside(path, 'it is the workspace itself, not a file')
    return names
  }

  #readable(path: string): readonly string[] {
    const names = this.#file(path)
    const secret = secretBy(names)
    if (secret !== null) throw outside(path, `${secret} may hold credentials, which are not for models`)
    return names
  }

  #writable(path: string): readonly string[] {
    const names = this.#readable(path)
    const guarded = protectedBy(names, this.#protectedPaths)
    if (guarded !== null) throw outside(path, `${guarded} is read-only: other programs obey it without asking`)
    return names
  }

  #spend(names: readonly string[], bytes: number): void {
    const { fileBytes, writes, writtenBytes } = this.#limits
    const path = names.join('/')
    if (bytes > fileBytes) throw limitReached(`${path} would be larger than ${fileBytes} bytes`)
    if (this.#writes >= writes) throw limitReached(`${writes} files were written already`)
    if (this.#writtenBytes + bytes > writtenBytes) throw limitReached(`${writtenBytes} bytes were written already`)
    this.#writes += 1
    this.#writtenBytes += bytes
  }

  /** Runs `work` in the directory the names lead to, opened one by one. */
  async #within<T>(
    names: readonly string[],
    work: (directory: ConfinedDirectory) => Promise<T>,
    { create = false }: { create?: boolean } = {},
  ): Promise<T> {
    let directory = await ConfinedDirectory.root(this.root, this.#identity)
    try {
      for (const name of names) {
        const next = await directory.enter(name, create)
        await directory.close()
        directory = next
      }
      return await work(directory)
    } finally {
      await directory.close()
    }
  }

  async #inParent<T>(
    names: readonly string[],
    work: (directory: ConfinedDirectory, name: string) => Promise<T>,
    options: { create?: boolean } = {},
  ): Promise<T> {
    const name = names.at(-1) ?? '.'
    return this.#within(names.slice(0, -1), (directory) => work(directory, name), options)
  }
}

/** Where to start walking for the globs; a place below another one is left to it. */
function startingPlaces(globs: readonly string[]): readonly string[] {
  const places = [...new Set(globs.map(literalPrefix))]
  return places.filter(
    (place) => !places.some((other) => other !== place && (other === '' || place.startsWith(`${other}/`))),
  )
}

function limitReached(message: string): OrchError {
  return new OrchError('ORCH_OUTSIDE_WORKSPACE', `limit reached: ${message}`, {
    hint: 'Write smaller or fewer files.',
  })
}

function nullWhenMissing(error: unknown): null {
  if (error instanceof OrchError && error.code === 'ORCH_NOT_FOUND') return null
  throw error
}
