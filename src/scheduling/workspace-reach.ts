import { statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Whether this host can work in a workspace: the directory is there, and so is the marker that tells it from
 * an empty mount point (DESIGN section 9). A look at the file system, not a promise for later.
 */
export function canReachWorkspace(workspace: string): boolean {
  return isDirectory(workspace) && isFile(join(workspace, '.orch', 'workspace.json'))
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}
