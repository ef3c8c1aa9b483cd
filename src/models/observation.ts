import type { ModelNeed } from '../domain/plan.ts'
import type { Price, SpecSource, Sourced } from './model.ts'

export const sizeFields = ['contextTokens', 'maxOutputTokens'] as const
export type SizeField = (typeof sizeFields)[number]

/** The values orch keeps of a model. */
export type SpecField = SizeField | ModelNeed | 'price'

/** What one source says of one field of one model. */
export type Observation =
  | (Sourced<number> & { readonly field: SizeField })
  | (Sourced<boolean> & { readonly field: ModelNeed })
  | (Sourced<Price> & { readonly field: 'price' })

/** A provider's value that the doctor found wrong. It stays out of use until the provider says something else. */
export interface Rejection {
  readonly field: SpecField
  readonly source: SpecSource
  readonly value: number | boolean | Price
  readonly reason: string
  readonly at: number
}

/** The layer `ai_data`: what orch inferred or probed, and what it ruled out. */
export interface AiData {
  readonly observations: readonly Observation[]
  readonly rejections: readonly Rejection[]
}

export const noAiData: AiData = { observations: [], rejections: [] }

/** Builds observations of one source and time; undefined values are left out. */
export class Observer {
  readonly observations: Observation[] = []
  /** When the source said it, in epoch milliseconds. */
  readonly at: number
  readonly #source: SpecSource

  constructor(source: SpecSource, at: number) {
    this.#source = source
    this.at = at
  }

  /** A token count; anything but a positive whole number says nothing. */
  size(field: SizeField, value: unknown, confidence: number): void {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) return
    this.observations.push({ field, value, source: this.#source, confidence, at: this.at })
  }

  capability(field: ModelNeed, value: unknown, confidence: number): void {
    if (typeof value !== 'boolean') return
    this.observations.push({ field, value, source: this.#source, confidence, at: this.at })
  }

  price(value: Price | null, confidence: number): void {
    if (value === null) return
    this.observations.push({ field: 'price', value, source: this.#source, confidence, at: this.at })
  }
}
