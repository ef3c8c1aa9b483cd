import type { ModelNeed, PlannedJob } from '../domain/plan.ts'
import type { Choice } from '../models/model.ts'
import type { EstimateOptions, ExpectedModel } from './estimate-plan.ts'

export interface ExpectedWish {
  readonly role: string | null
  readonly needs: readonly ModelNeed[]
  readonly without?: readonly ModelNeed[]
  readonly pin: string | null
}

/** The model each job would get now, asked once for each kind of job. */
export function expectedModels(choose: (wish: ExpectedWish) => Promise<Choice>): EstimateOptions['modelFor'] {
  const known = new Map<string, Promise<ExpectedModel | null>>()
  return (job) => {
    const wish = wishOf(job)
    const key = JSON.stringify(wish)
    const found = known.get(key) ?? firstOf(choose(wish))
    known.set(key, found)
    return found
  }
}

function wishOf({ role, needs, model, executor }: PlannedJob): ExpectedWish {
  const wish = { role, needs, pin: model }
  // One call without tools needs no model that can use them, whatever its role usually needs.
  return executor === 'llm' ? { ...wish, without: ['tools'] } : wish
}

async function firstOf(choice: Promise<Choice>): Promise<ExpectedModel | null> {
  const [first] = (await choice).chain
  return first === undefined ? null : { name: first.model.name, price: first.model.specs.price?.value ?? null }
}
