import { OrchError } from '../errors/orch-error.ts'
import type { Ids } from '../runtime/ids.ts'
import type { ConfinedDirectory } from './confined-directory.ts'
import { readFileIn, writeFileIn } from './confined-file.ts'

const markerDirectory = '.orch'
const markerName = 'workspace.json'
const markerLimitBytes = 4096

/**
 * The id in `.orch/workspace.json`, which proves that this directory is the workspace that was meant and is reachable
 * from here. Creates the file when `ids` is given and it is missing. Throws ORCH_WORKSPACE_INVALID without a valid one.
 */
export async function proveMarker(root: ConfinedDirectory, place: string, ids?: Ids): Promise<string> {
  const found = await readMarker(root).catch((error: unknown) => {
    throw invalid(place, 'its marker .orch/workspace.json cannot be read', error)
  })
  if (found !== null) return parseMarker(found, place)
  if (ids === undefined) throw invalid(place, 'it has no marker .orch/workspace.json')
  const id = ids.next()
  const directory = await root.enter(markerDirectory, true)
  try {
    await writeFileIn(directory, markerName, Buffer.from(`${JSON.stringify({ version: 1, id })}\n`))
  } finally {
    await directory.close()
  }
  return id
}

async function readMarker(root: ConfinedDirectory): Promise<string | null> {
  if ((await root.stat(markerDirectory)) === null) return null
  const directory = await root.enter(markerDirectory)
  try {
    if ((await directory.stat(markerName)) === null) return null
    return (await readFileIn(directory, markerName, markerLimitBytes)).toString('utf8')
  } finally {
    await directory.close()
  }
}

function parseMarker(text: string, place: string): string {
  try {
    const marker: unknown = JSON.parse(text)
    if (typeof marker === 'object' && marker !== null && 'id' in marker && typeof marker.id === 'string')
      return marker.id
  } catch (error) {
    throw invalid(place, 'its marker .orch/workspace.json is not JSON', error)
  }
  throw invalid(place, 'its marker .orch/workspace.json has no id')
}

function invalid(place: string, reason: string, cause?: unknown): OrchError {
  return new OrchError('ORCH_WORKSPACE_INVALID', `${place} is not a workspace: ${reason}`, {
    hint: 'Run `orch init` there, or name another directory with --workspace.',
    cause,
  })
}
