import { bytesPerTokenForFit } from '../calls/request-size.ts'
import type { ModelNeed } from '../domain/plan.ts'
import type { Choice } from '../models/model.ts'
import type { AttemptScene } from './attempt-scene.ts'

/** Which models may work on a job, and how much they can read. */
export interface ModelChoice {
  readonly choice: Choice
  /** The context all prompts of the try are fitted to. */
  readonly contextTokens: number
  readonly maxOutputTokens: number
  /** UTF-8 bytes that all input of a call together may have. */
  readonly inputBytes: number
}

/** Where a model does not say. Small enough for local servers' defaults (reference section 4). */
const unknownContextTokens = 32_000
/** Beyond this, more context costs more than it helps. */
const mostContextTokens = 200_000

/**
 * Chooses by role, job and pin. The context size is the one the try began with, so that a resumed
 * attempt builds the same prompts even when another model is first in line by then.
 */
export async function chooseForJob(
  { deps, attempt, journal }: AttemptScene,
  {
    needs,
    without,
    outputTokens,
  }: { needs: readonly ModelNeed[]; without: readonly ModelNeed[]; outputTokens: number },
): Promise<ModelChoice> {
  const { role, plan } = attempt.job
  const all = [...new Set([...plan.needs, ...needs])]
  const choice = await deps.calls.choose({ role, needs: all, without, pin: plan.model, signal: attempt.signal })
  const begun = journal.firstModelRequest() as { readonly contextTokens?: number } | null
  const contextTokens = begun?.contextTokens ?? Math.min(mostContextTokens, contextOf(choice))
  const maxOutputTokens = Math.min(outputTokens, Math.floor(contextTokens / 4))
  return { choice, contextTokens, maxOutputTokens, inputBytes: (contextTokens - maxOutputTokens) * bytesPerTokenForFit }
}

function contextOf({ chain }: Choice): number {
  return chain[0]?.model.specs.contextTokens?.value ?? unknownContextTokens
}
