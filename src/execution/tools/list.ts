import * as z from 'zod'
import type { ListedEntry } from '../../workspace/workspace.ts'
import { defineTool } from './tool.ts'

const mostEntries = 500

/** Names what lies in a directory of the workspace. */
export const listTool = defineTool({
  name: 'list',
  description:
    'Lists files and directories of the workspace, with sizes. Paths are relative to the workspace and use /. ' +
    'Use depth to look further down; .git and node_modules are not entered.',
  input: z.strictObject({
    path: z.string().default('').describe('Directory; empty for the workspace itself'),
    depth: z.int().min(1).max(10).default(2).describe('How many levels down'),
  }),
  effect: 'none',
  work: async ({ path, depth }, { workspace }) => {
    const { entries, complete } = await workspace.list(path, { depth, limit: mostEntries })
    const lines = entries.map(entryLine)
    if (!complete) lines.push(`[more than ${mostEntries} entries: list a subdirectory or use a smaller depth]`)
    return { output: lines.length === 0 ? '(empty)' : lines.join('\n'), failed: false }
  },
})

function entryLine({ path, kind, bytes }: ListedEntry): string {
  if (kind === 'directory') return `${path}/`
  if (kind === 'file') return `${path} (${bytes} bytes)`
  return `${path} (${kind === 'link' ? 'symbolic link, not followed' : 'special file'})`
}
