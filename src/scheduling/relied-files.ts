import type { Errand } from '../database/repositories/errand-repository.ts'
import { hashText } from '../workspace/confined-file.ts'
import { openWorkspace } from '../workspace/workspace.ts'

/** A file that a kept errand wrote: it will not be written again. */
export interface ReliedFile {
  readonly path: string
  /** The place of the errand that wrote it last. */
  readonly ordinal: number
  /** Compared with what that errand left; `unknown` where nobody noted it, or the workspace is not here. */
  readonly state: 'same' | 'changed' | 'missing' | 'unknown'
}

/** The files that kept errands wrote, as they are now. `workspace` is null where it cannot be reached. */
export async function reliedFiles(kept: readonly Errand[], workspace: string | null): Promise<readonly ReliedFile[]> {
  const written = new Map<string, { readonly ordinal: number; readonly sha256: string | null }>()
  for (const errand of kept) {
    const path = writtenPath(errand)
    if (path !== null) written.set(path, { ordinal: errand.ordinal, sha256: leftHash(errand) })
  }
  if (written.size === 0) return []
  const opened = workspace === null ? null : await openWorkspace(workspace).catch(() => null)
  const files: ReliedFile[] = []
  for (const [path, { ordinal, sha256 }] of written) {
    const now = opened === null ? undefined : await opened.hash(path).catch(() => undefined)
    files.push({ path, ordinal, state: stateOf(now, sha256) })
  }
  return files
}

function stateOf(now: string | null | undefined, left: string | null): ReliedFile['state'] {
  if (now === undefined) return 'unknown'
  if (now === null) return 'missing'
  if (left === null) return 'unknown'
  return now === left ? 'same' : 'changed'
}

/** Tools note the path they changed. */
function writtenPath({ kind, output }: Errand): string | null {
  if (kind !== 'tool' || typeof output !== 'object' || output === null) return null
  return 'path' in output && typeof output.path === 'string' ? output.path : null
}

/** The hash that the tool noted; of older journals, that of the text it was given. */
function leftHash({ name, request, output }: Errand): string | null {
  if (typeof output === 'object' && output !== null && 'sha256' in output && typeof output.sha256 === 'string') {
    return output.sha256
  }
  const given = name === 'write' ? contentOf(request) : null
  return given === null ? null : hashText(given)
}

function contentOf(request: unknown): string | null {
  if (typeof request !== 'object' || request === null) return null
  if ('content' in request) return typeof request.content === 'string' ? request.content : null
  return 'input' in request ? contentOf(request.input) : null
}
