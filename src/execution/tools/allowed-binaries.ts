import { OrchError } from '../../errors/orch-error.ts'
import type { AllowedBinary } from './command-permission.ts'

/**
 * The user's own allow list, the setting `commands.allow`: each entry a JSON array of the program and one
 * pattern per argument. Throws ORCH_CONFIG_INVALID for an entry of another form.
 */
export function parseAllowedBinaries(entries: readonly string[]): readonly AllowedBinary[] {
  return entries.map((entry) => {
    const [binary, ...patterns] = readTexts(entry)
    if (binary !== undefined && binary !== '') return { binary, arguments: patterns }
    throw new OrchError('ORCH_CONFIG_INVALID', `commands.allow: expected a JSON array of texts, found ${entry}`, {
      hint: 'For example: ["npm", "run", "*"]',
    })
  })
}

function readTexts(entry: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(entry)
    if (Array.isArray(parsed) && parsed.every((item): item is string => typeof item === 'string')) return parsed
  } catch {
    // Not JSON: the caller says so, with the entry.
  }
  return []
}
