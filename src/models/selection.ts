import { modelNeeds, type ModelNeed } from '../domain/plan.ts'
import type { Provider } from '../providers/provider.ts'
import type { RegisteredModel } from './describe-model.ts'
import type { Choice, Exclusion } from './model.ts'
import { notConversational } from './model-family.ts'
import { splitModelName, type ModelRegistry } from './model-registry.ts'
import { providerSaysText } from './provider-data.ts'
import { rank, rankReason, toCandidate, type Candidate, type SelectionPolicy } from './ranking.ts'
import type { Role } from './role.ts'

/** The part of provider health that a choice asks. */
export interface Cooldowns {
  /** Every cooldown in force, with its end in epoch milliseconds; an empty model id is the whole provider. */
  cooldowns(): Promise<readonly Cooldown[]>
}

interface Cooldown {
  readonly providerId: string
  readonly modelId: string
  readonly untilMs: number
}

export interface ChoiceRequest {
  readonly registry: Pick<ModelRegistry, 'survey' | 'get' | 'problem'>
  readonly health: Cooldowns
  readonly role: Pick<Role, 'id' | 'needs' | 'modelPin'> | null
  /** Needs of the job besides those of the role. */
  readonly needs: readonly ModelNeed[]
  /** Needs of the role that this call does not have: a call without tools needs a model without tools. */
  readonly without?: readonly ModelNeed[]
  /** `provider/model`, or a provider alone, set by a person for this job or call. */
  readonly pin: string | null
  /** The setting `models.default`. */
  readonly defaultModel?: string | null
  readonly policy: SelectionPolicy
  readonly minimumContextTokens: number
  /** Let a simulated model do the work where nothing else can. The caller says so wherever its result shows. */
  readonly allowRehearsal?: boolean
  readonly signal?: AbortSignal
}

/**
 * Which models a call may use, best first, and why each other one may not. A pin wins: the job's, then the
 * role's, then the default; nothing replaces a pinned model that cannot be used. A capability known to be
 * absent excludes, an unknown one ranks lower. Simulated models are chosen only when pinned, or when nothing
 * else is usable and the caller allows it. An empty chain is an answer, not an error.
 */
export async function chooseModel(request: ChoiceRequest): Promise<Choice> {
  const pin = pinOf(request)
  return pin === null ? chooseByPolicy(request) : choosePinned(request, pin)
}

interface Pin {
  readonly name: string
  readonly by: string
}

function pinOf({ pin, role, defaultModel }: ChoiceRequest): Pin | null {
  if (pin !== null) return { name: pin, by: 'pinned for this job' }
  if (role !== null && role.modelPin !== null) return { name: role.modelPin, by: `pinned for the role ${role.id}` }
  if (defaultModel !== undefined && defaultModel !== null)
    return { name: defaultModel, by: 'the setting models.default' }
  return null
}

async function choosePinned(request: ChoiceRequest, pin: Pin): Promise<Choice> {
  const { providerId, modelId } = splitModelName(pin.name)
  if (modelId === null) return chooseByPolicy(request, { ...pin, name: providerId })
  const model = await request.registry.get(pin.name, request.signal)
  if (model === null)
    return { chain: [], excluded: [{ name: pin.name, reason: `${pin.by}, but no provider lists it` }] }
  const outside =
    (await unusableProvider(request, model.provider)) ?? unusableNow(model, await request.health.cooldowns())
  if (outside !== null) {
    return { chain: [], excluded: [{ ...outside, name: pin.name, reason: `${pin.by}, but ${outside.reason}` }] }
  }
  const doubts = [...lacking(model, request), ...unstated(model, request).map((need) => `${need} not known`)]
  const reason = doubts.length === 0 ? pin.by : `${pin.by}, although: ${doubts.join('; ')}`
  return { chain: [{ model, reason }], excluded: [] }
}

async function chooseByPolicy(request: ChoiceRequest, pin?: Pin): Promise<Choice> {
  const filter = pin === undefined ? {} : { providerId: pin.name }
  const { providers, models, failures } = await request.registry.survey(filter, request.signal)
  const excluded: Exclusion[] = failures.map(({ provider, message }) => ({
    name: provider.id,
    reason: `its models cannot be listed: ${message}`,
  }))
  const cooldowns = await request.health.cooldowns()
  const candidates: Candidate[] = []
  const simulated: Candidate[] = []
  const unusable = await unusableProviders(request, providers)
  excluded.push(...unusable.values())
  for (const model of models.filter((one) => !unusable.has(one.provider.id))) {
    const outside = unfit(model, request) ?? unusableNow(model, cooldowns)
    if (outside !== null) excluded.push({ name: model.name, ...outside })
    else if (model.provider.kind === 'rehearsal' && pin === undefined) simulated.push(toCandidate(model, []))
    else candidates.push(toCandidate(model, unstated(model, request)))
  }
  // A model that cools down is worth waiting for: a simulated one would do the work badly for good.
  const isHopeless = candidates.length === 0 && excluded.every(({ untilMs }) => untilMs === undefined)
  if (isHopeless && request.allowRehearsal === true) {
    // The rehearsal provider always exists, and is listed only where somebody stored it.
    const stored = simulated.map(({ model }) => model)
    const stand = stored.length > 0 ? stored : (await request.registry.survey({ providerId: 'rehearsal' })).models
    return { chain: stand.map((model) => ({ model, reason: 'simulated: nothing else is usable' })), excluded }
  }
  const idle = simulated.map(({ model }) => ({ name: model.name, reason: 'it is simulated and was not asked for' }))
  const chain = rank(candidates, request.policy).map((one) => ({
    model: one.model,
    reason: `${pin === undefined ? '' : `${pin.by}; `}${rankReason(one, request.policy)}`,
  }))
  if (pin !== undefined && providers.length === 0) {
    excluded.push({ name: pin.name, reason: `${pin.by}, but there is no such provider` })
  }
  return { chain, excluded: [...excluded, ...idle] }
}

type Reason = Omit<Exclusion, 'name'>

async function unusableProviders(
  request: ChoiceRequest,
  providers: readonly Provider[],
): Promise<ReadonlyMap<string, Exclusion>> {
  const unusable = new Map<string, Exclusion>()
  for (const provider of providers) {
    const outside = await unusableProvider(request, provider)
    if (outside !== null) unusable.set(provider.id, { name: provider.id, ...outside })
  }
  return unusable
}

async function unusableProvider({ registry }: ChoiceRequest, provider: Provider): Promise<Reason | null> {
  const problem = await registry.problem(provider)
  return problem === null ? null : { reason: `its provider cannot be used: ${problem}` }
}

/** Exclusions that time or the operator lift. */
function unusableNow(model: RegisteredModel, cooldowns: readonly Cooldown[]): Reason | null {
  if (model.lifecycle === 'vanished') return { reason: 'its provider lists it no longer' }
  if (model.lifecycle === 'disabled') return { reason: 'it is disabled' }
  const ends = cooldowns
    .filter(({ providerId, modelId }) => providerId === model.provider.id && ['', model.modelId].includes(modelId))
    .map(({ untilMs }) => untilMs)
  if (ends.length === 0) return null
  const untilMs = Math.max(...ends)
  return { reason: `it cools down until ${new Date(untilMs).toISOString()}`, untilMs }
}

/** Exclusions that lie in the model itself. */
function unfit(model: RegisteredModel, request: ChoiceRequest): Reason | null {
  const { provider, modelId, providerData } = model
  if (providerSaysText(provider.kind, providerData) === false) return { reason: 'it is no text model' }
  const silent = notConversational(provider.kind, modelId)
  if (silent !== null) return { reason: silent }
  const [lack] = lacking(model, request)
  return lack === undefined ? null : { reason: lack }
}

function wantedNeeds({ role, needs, without = [] }: ChoiceRequest): readonly ModelNeed[] {
  const ofRole = (role?.needs ?? []).filter((need) => !without.includes(need))
  return modelNeeds.filter((need) => needs.includes(need) || ofRole.includes(need))
}

/** What the model is known not to offer. */
function lacking({ specs }: RegisteredModel, request: ChoiceRequest): readonly string[] {
  const lacks = wantedNeeds(request).flatMap((need) => {
    const offered = specs.capabilities[need]
    return offered?.value === false ? [`it does not offer ${need} (${offered.source})`] : []
  })
  const context = specs.contextTokens
  if (context === undefined || context.value >= request.minimumContextTokens) return lacks
  return [
    ...lacks,
    `its context of ${context.value} tokens is below the ${request.minimumContextTokens} needed (${context.source})`,
  ]
}

/** What is wanted and nobody knows of the model. */
function unstated({ specs }: RegisteredModel, request: ChoiceRequest): readonly string[] {
  const unknown: string[] = wantedNeeds(request).filter((need) => specs.capabilities[need] === undefined)
  if (request.minimumContextTokens > 0 && specs.contextTokens === undefined) unknown.push('context')
  return unknown
}
