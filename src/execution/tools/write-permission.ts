import { matchesAnyGlob } from '../../workspace/glob.ts'
import { failure, type ToolContext, type ToolResult } from './tool.ts'

/** The refusal of a write that the job's `writes` do not cover, or null. Throws for a path outside the workspace. */
export function writeFault(path: string, { workspace, writes }: ToolContext): ToolResult | null {
  const normal = workspace.normalize(path)
  if (writes === null || matchesAnyGlob(writes, normal)) return null
  const allowed = writes.length === 0 ? 'This job may not write files.' : `This job may write: ${writes.join(', ')}`
  return failure(`${normal} is not among the files of this job. ${allowed}`)
}
