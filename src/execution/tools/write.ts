import * as z from 'zod'
import { defineTool } from './tool.ts'
import { writeFault } from './write-permission.ts'

/** Creates or replaces a file of the workspace. */
export const writeTool = defineTool({
  name: 'write',
  description:
    'Creates a file of the workspace or replaces its whole content; directories above it are made. ' +
    'To change a part of a file use edit.',
  input: z.strictObject({
    path: z.string().describe('File, relative to the workspace'),
    content: z.string().describe('The whole new content'),
  }),
  effect: 'file',
  target: ({ path }) => path,
  work: async ({ path, content }, context) => {
    const fault = writeFault(path, context)
    if (fault !== null) return fault
    const { beforeHash, afterHash, bytes, path: written } = await context.workspace.write(path, content)
    const output = `${beforeHash === null ? 'created' : 'replaced'} ${written} (${bytes} bytes)`
    return { output, failed: false, path: written, beforeHash, afterHash }
  },
})
