import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openWorkspace, type OpenWorkspaceOptions, type Workspace } from '../../src/workspace/workspace.ts'

export interface TemporaryWorkspace {
  readonly workspace: Workspace
  readonly root: string
  /** A directory beside the workspace that nothing may touch. */
  readonly outside: string
}

/** A marked workspace with the given files, removed after the test. */
export async function temporaryWorkspace(
  files: Readonly<Record<string, string | Buffer>> = {},
  options: OpenWorkspaceOptions = {},
): Promise<TemporaryWorkspace> {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'orch-workspace-')))
  onTestFinished(() => rmSync(place, { recursive: true, force: true }))
  // Deep below, so that a broken confinement climbs within the temporary directory only.
  const deep = join(place, 'one/two/three/four/five/six/seven')
  const [root, outside] = [join(deep, 'work'), join(deep, 'outside')]
  for (const directory of [root, outside]) mkdirSync(directory, { recursive: true })
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const workspace = await openWorkspace(root, { createWith: { next: () => 'workspace-1' }, ...options })
  return { workspace, root, outside }
}
