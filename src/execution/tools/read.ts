import * as z from 'zod'
import { defineTool, toolOutputLimitBytes } from './tool.ts'

/** Reads a text file of the workspace. */
export const readTool = defineTool({
  name: 'read',
  description:
    'Reads a text file of the workspace. Long files come in parts: the last line of the answer says how to go on.',
  input: z.strictObject({
    path: z.string().describe('File, relative to the workspace'),
    first_line: z.int().min(1).default(1).describe('First line wanted, from 1'),
    max_lines: z.int().min(1).max(5000).default(800).describe('Lines wanted at most'),
  }),
  effect: 'none',
  work: async ({ path, first_line: firstLine, max_lines: maxLines }, { workspace }) => {
    // Room is left for the note below.
    const found = await workspace.read(path, { firstLine, maxLines, maxBytes: toolOutputLimitBytes - 500 })
    if (found.totalLines === 0) return { output: '(empty file)', failed: false }
    if (found.lastLine < firstLine) {
      return { output: `error: ${path} has ${found.totalLines} lines, fewer than ${firstLine}`, failed: true }
    }
    const notes: string[] = []
    if (found.cut) notes.push(`[line ${firstLine} is longer than the limit and was cut]`)
    if (found.lastLine < found.totalLines) {
      const next = found.lastLine + 1
      notes.push(`[lines ${firstLine} to ${found.lastLine} of ${found.totalLines}; go on with first_line ${next}]`)
    }
    return { output: [found.text, ...notes].join('\n'), failed: false }
  },
})
