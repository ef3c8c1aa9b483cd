import type { ToolSpec } from '../../providers/model-client.ts'

/** What a worker hands in at the end of a task. */
export interface Submission {
  readonly summary: string
  /** Acceptance ids it says it saw hold. */
  readonly claims: readonly string[]
}

/** Ends a task. Belongs to every worker, whatever its role grants. */
export const submitSpec: ToolSpec = {
  name: 'submit',
  description: 'Ends your task. Call it once, when the work is done, alone and last.',
  parameters: {
    type: 'object',
    properties: {
      summary: { type: 'string', description: 'What you did and what is left open, for people and for later jobs' },
      claims: {
        type: 'array',
        items: { type: 'string' },
        description: 'Ids of the acceptance checks you saw hold; empty if there are none',
      },
    },
    required: ['summary', 'claims'],
    additionalProperties: false,
  },
}

/** Reads a submission; missing claims count as none. */
export function parseSubmission(
  input: unknown,
): { readonly kind: 'valid'; readonly submission: Submission } | { readonly kind: 'invalid'; readonly reason: string } {
  if (typeof input !== 'object' || input === null) return invalid('submit takes an object with summary and claims')
  const { summary, claims } = input as { summary?: unknown; claims?: unknown }
  if (typeof summary !== 'string' || summary.trim() === '') return invalid('summary must say what was done')
  const named = Array.isArray(claims) ? claims.filter((claim) => typeof claim === 'string') : []
  return { kind: 'valid', submission: { summary, claims: named } }
}

function invalid(reason: string) {
  return { kind: 'invalid', reason: `error: ${reason}. Nothing was submitted.` } as const
}
