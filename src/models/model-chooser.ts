import type { ModelNeed } from '../domain/plan.ts'
import type { Choice } from './model.ts'
import type { ModelRegistry } from './model-registry.ts'
import type { OrgChart } from './org-chart.ts'
import type { SelectionPolicy } from './ranking.ts'
import { chooseModel, type Cooldowns } from './selection.ts'

/** Which model a call needs, before policy, roles and cooldowns are looked up. */
export interface ModelWish {
  /** The id of a role. */
  readonly role: string | null
  readonly needs: readonly ModelNeed[]
  /** Needs of the role that this call does not have. */
  readonly without?: readonly ModelNeed[]
  /** `provider/model` or a provider alone, set by a person. */
  readonly pin: string | null
  readonly minimumContextTokens?: number
  readonly signal?: AbortSignal
}

export interface ChooserDeps {
  readonly registry: ModelRegistry
  readonly roles: OrgChart
  readonly health: Cooldowns
  readonly policy: SelectionPolicy
  readonly defaultModel: string | null
  readonly allowRehearsal?: boolean
}

/** Turns wishes into choices by the operator's settings. The chooser throws ORCH_NOT_FOUND for an unknown role. */
export function createModelChooser(deps: ChooserDeps): (wish: ModelWish) => Promise<Choice> {
  const { roles, ...settings } = deps
  return async ({ role, minimumContextTokens = 0, ...wish }) =>
    chooseModel({ ...settings, ...wish, minimumContextTokens, role: role === null ? null : await roles.get(role) })
}
