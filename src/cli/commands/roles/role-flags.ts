import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as z from 'zod'
import { modelNeeds, type Argv } from '../../../domain/plan.ts'
import { grantableTools } from '../../../domain/tool-name.ts'
import { errorMessage, OrchError } from '../../../errors/orch-error.ts'
import type { Role } from '../../../models/role.ts'
import { parseOptions } from '../../command.ts'

function listOf<T extends string>(known: readonly [T, ...T[]]) {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .pipe(z.array(z.enum(known, { error: ({ input }) => `expected ${known.join(', ')}, not ${String(input)}` })))
    .optional()
}

const argvPrefix = z.string().transform((text, check): Argv => {
  const argv = z.tuple([z.string().min(1)], z.string()).safeParse(readJson(text))
  if (argv.success) return argv.data
  check.addIssue({ code: 'custom', message: 'expected a JSON array of texts such as ["npm","publish"]' })
  return z.NEVER
})

const flags = z.object({
  title: z.string().optional(),
  promptFile: z.string().optional(),
  needs: listOf(modelNeeds),
  tools: listOf(grantableTools),
  reportsTo: z.string().optional(),
  deny: z.array(argvPrefix).optional(),
})

/** The fields that the flags set. Throws ORCH_USAGE for a bad flag, ORCH_FILE_UNREADABLE for the prompt file. */
export function roleChange(options: Readonly<Record<string, unknown>>, cwd: string): Partial<Role> {
  const { title, promptFile, needs, tools, reportsTo, deny } = parseOptions(flags, options)
  return {
    ...(title !== undefined && { title }),
    ...(promptFile !== undefined && { prompt: readPrompt(resolve(cwd, promptFile)) }),
    ...(needs !== undefined && { needs }),
    ...(tools !== undefined && { tools }),
    ...(reportsTo !== undefined && { reportsTo: reportsTo === '' ? null : reportsTo }),
    ...(deny !== undefined && { deniedCommands: deny }),
  }
}

function readPrompt(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)).trim()
  } catch (error) {
    throw new OrchError('ORCH_FILE_UNREADABLE', `The prompt file ${path} cannot be read: ${errorMessage(error)}`, {
      hint: 'Give --prompt-file a UTF-8 text file',
      cause: error,
    })
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
