import * as z from 'zod'
import { defineTool } from './tool.ts'

const mostMatches = 100

/** Finds text in the files of the workspace. */
export const searchTool = defineTool({
  name: 'search',
  description:
    'Finds lines that contain a text, in the files of the workspace. The text is literal, not a pattern. ' +
    'Answers path:line: text.',
  input: z.strictObject({
    text: z.string().min(1).max(500).describe('Literal text to find on one line'),
    path: z.string().default('').describe('Directory to look in; empty for the whole workspace'),
    globs: z.array(z.string()).min(1).optional().describe('Which files, for example ["src/**/*.ts"]'),
    ignore_case: z.boolean().default(false),
  }),
  effect: 'none',
  work: async ({ text, path, globs, ignore_case: ignoreCase }, { workspace, signal }) => {
    const found = await workspace.search({ text, path, globs, ignoreCase, limit: mostMatches, signal })
    const lines = found.matches.map((match) => `${match.path}:${match.line}: ${match.text}`)
    if (lines.length === 0) lines.push('(no match)')
    if (!found.complete) lines.push('[more matches: narrow the search with path, globs or a longer text]')
    if (found.skippedFiles > 0) lines.push(`[${found.skippedFiles} binary or large files were not searched]`)
    return { output: lines.join('\n'), failed: false }
  },
})
