import type { RegisteredModel } from './describe-model.ts'
import type { Price } from './model.ts'
import { modelStanding, type Standing } from './model-family.ts'
import { textAt } from './verbatim.ts'

/** How a model is chosen among those that fit; the setting `selection.policy`. */
export type SelectionPolicy = 'cheapest' | 'balanced' | 'best' | 'fastest' | 'local-first'

/** A model that may be used, with what its place in the order rests on. */
export interface Candidate {
  readonly model: RegisteredModel
  readonly standing: Standing
  /** Dollars per million tokens at three input tokens to one of output; null is unknown. */
  readonly blendedUsdPerMillion: number | null
  /** Wanted properties that nobody states: it may have them. */
  readonly unknown: readonly string[]
}

/** Dollars per million tokens of a typical call: three input tokens to one of output. */
function blendedPrice(price: Price): number {
  return (3 * price.inputUsdPerMillion + price.outputUsdPerMillion) / 4
}

/** Makes a candidate of a model that passed every exclusion. */
export function toCandidate(model: RegisteredModel, unknown: readonly string[]): Candidate {
  const size =
    textAt(model.providerData, 'details', 'parameter_size') ??
    textAt(model.providerData, 'show', 'details', 'parameter_size')
  const price = model.specs.price?.value
  return {
    model,
    standing: modelStanding(model.modelId, size),
    blendedUsdPerMillion: price === undefined ? null : blendedPrice(price),
    unknown,
  }
}

/** A model of unknown price is weighed as a dear one. */
const assumedUsdPerMillion = 10
/** What a doubling of the price must bring in quality under `balanced`. */
const qualityPerDoubling = 6

function balance({ standing, blendedUsdPerMillion }: Candidate): number {
  return standing.quality - qualityPerDoubling * Math.log2(1 + (blendedUsdPerMillion ?? assumedUsdPerMillion))
}

const cost = (one: Candidate) => one.blendedUsdPerMillion ?? Number.POSITIVE_INFINITY
const unknowns = (one: Candidate) => one.unknown.length

/** For each policy the numbers that order candidates, most important first, smaller is better. */
const keys: Readonly<Record<SelectionPolicy, readonly ((one: Candidate) => number)[]>> = {
  cheapest: [unknowns, cost, (one) => -one.standing.quality],
  balanced: [unknowns, (one) => -balance(one)],
  best: [unknowns, (one) => -one.standing.quality, cost],
  fastest: [unknowns, (one) => -one.standing.speed, (one) => -one.standing.quality],
  // What is local matters more than what is proven: that is what the policy is for.
  'local-first': [(one) => (one.model.provider.local ? 0 : 1), unknowns, (one) => -balance(one)],
}

/** Candidates by the policy, best first; equals by name, so that the order never flickers. */
export function rank(candidates: readonly Candidate[], policy: SelectionPolicy): readonly Candidate[] {
  return candidates.toSorted((left, right) => {
    for (const key of keys[policy]) {
      const [a, b] = [key(left), key(right)]
      // Not a subtraction: infinity minus infinity is no number.
      if (a !== b) return a < b ? -1 : 1
    }
    return left.model.name < right.model.name ? -1 : 1
  })
}

/** Why a candidate stands where it stands, in one line. */
export function rankReason(candidate: Candidate, policy: SelectionPolicy): string {
  const { standing, blendedUsdPerMillion, model, unknown } = candidate
  const basis = standing.basis === 'unknown' ? ' (a guess: nobody knows the name)' : ''
  const price =
    blendedUsdPerMillion === null
      ? 'price unknown'
      : blendedUsdPerMillion === 0
        ? 'free'
        : `$${Number(blendedUsdPerMillion.toFixed(3))} per million tokens`
  const may = unknown.length === 0 ? '' : `; not known: ${unknown.join(', ')}`
  const place = model.provider.local ? ', local' : ''
  return `${policy}: quality ${standing.quality}${basis}, speed ${standing.speed}, ${price}${place}${may}`
}
