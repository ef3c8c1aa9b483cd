import * as z from 'zod'
import type { EditResult } from '../../workspace/workspace.ts'
import { defineTool, failure, type ToolResult } from './tool.ts'
import { writeFault } from './write-permission.ts'

/** Replaces a part of a file of the workspace. */
export const editTool = defineTool({
  name: 'edit',
  description:
    'Replaces text in a file of the workspace. find must occur exactly once, character by character, with its ' +
    'indentation; take in a neighbouring line to make it unique, or set all.',
  input: z.strictObject({
    path: z.string().describe('File, relative to the workspace'),
    find: z.string().min(1).describe('The exact text to replace'),
    replace: z.string().describe('The text to put there'),
    all: z.boolean().default(false).describe('Replace every occurrence'),
  }),
  effect: 'file',
  target: ({ path }) => path,
  work: async ({ path, ...edit }, context) => {
    const fault = writeFault(path, context)
    if (fault !== null) return fault
    return answer(path, await context.workspace.edit(path, edit))
  },
})

function answer(path: string, result: EditResult): ToolResult {
  switch (result.kind) {
    case 'edited': {
      const { path: written, beforeHash, afterHash, bytes } = result.file
      const places = result.replaced === 1 ? '1 place' : `${result.replaced} places`
      return {
        output: `changed ${places} in ${written} (${bytes} bytes)`,
        failed: false,
        path: written,
        beforeHash,
        afterHash,
      }
    }
    case 'empty':
      return failure('find is empty')
    case 'ambiguous':
      return failure(
        `find occurs ${result.lines.length} times in ${path}, on lines ${result.lines.slice(0, 20).join(', ')}. ` +
          'Take in more lines to make it unique, or set all to true. Nothing was changed.',
      )
    case 'missing':
      if (result.nearest === null)
        return failure(`find does not occur in ${path}. Read the file first. Nothing was changed.`)
      return failure(
        `find does not occur in ${path}. Nothing was changed. The nearest text is at line ${result.nearest.line}:\n` +
          result.nearest.text,
      )
  }
}
