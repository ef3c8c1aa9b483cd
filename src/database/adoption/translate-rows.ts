/** Rows of the other application as orch stores them. Pure; what cannot be told stays unknown. */
import { planHash } from '../../domain/plan-hash.ts'
import type { Project, ProjectStatus } from '../../domain/project.ts'
import { microUsdPerUsd } from '../../domain/money.ts'
import { freeSlug, slugFromGoal } from '../../domain/slug.ts'
import { settingDefinitions } from '../../config/setting.ts'
import type { UsageRecord } from '../repositories/usage-repository.ts'
import { foldedName } from './source-table.ts'
import type { SourceRow } from './source-rows.ts'
import { countOf, numberOf, textOf, timeOf, withoutKeys } from './without-keys.ts'

/** What a row of usage refers to. */
export interface UsageReference {
  readonly providerId: string
  readonly modelId: string
  readonly projectId: string | null
}

/** Usage whose model or provider is gone is still money that was spent. */
export const unknownProvider = 'unknown'

/** A booked call. Its cost is what the other application reckoned: an estimate, or unknown where it has none. */
export function translateUsage(row: SourceRow, reference: UsageReference, nowMs: number): UsageRecord {
  const costUsd = numberOf(row['cost'])
  const known = costUsd !== null && costUsd >= 0 && costUsd * microUsdPerUsd <= Number.MAX_SAFE_INTEGER
  return {
    id: String(row['id']),
    projectId: reference.projectId,
    jobId: null,
    errandId: null,
    attempt: null,
    role: textOf(row['roleId']),
    providerId: reference.providerId,
    modelId: reference.modelId,
    purpose: 'job',
    inputTokens: countOf(row['promptTokens']),
    cachedInputTokens: null,
    cacheWriteTokens: null,
    outputTokens: countOf(row['completionTokens']),
    reasoningTokens: null,
    costMicroUsd: known ? Math.round(costUsd * microUsdPerUsd) : null,
    boundMicroUsd: null,
    source: known ? 'estimated' : 'unknown',
    priceSource: known ? 'adopted' : null,
    priceVersion: null,
    latencyMs: null,
    outcome: 'ok',
    errorClass: null,
    createdAt: timeOf(row['createdAt'], nowMs),
  }
}

export interface ProjectSurroundings {
  /** Slugs that are taken; the new one joins them. */
  readonly slugs: Set<string>
  /** Absolute path. */
  readonly workspace: string
  readonly nowMs: number
}

/** A draft without jobs: nothing starts before a person gives it a plan and approves it. */
export function translateProject(row: SourceRow, { slugs, workspace, nowMs }: ProjectSurroundings): Project {
  const name = textOf(row['name']) ?? String(row['id'])
  const description = textOf(row['description'])
  const slug = freeSlug(slugFromGoal(name), slugs)
  slugs.add(slug)
  const goal = description === null ? name : `${name}: ${description}`
  const plan = { version: 1, project: slug, goal, budgetMicroUsd: null, workspace, commands: [], jobs: [] } as const
  return {
    id: String(row['id']),
    slug,
    goal,
    status: projectStatus(row['status']),
    workspace,
    budgetMicroUsd: null,
    commands: [],
    planHash: planHash(plan),
    approvedHash: null,
    approvedAt: null,
    approvedBy: null,
    createdAt: timeOf(row['createdAt'], nowMs),
    updatedAt: timeOf(row['updatedAt'], nowMs),
  }
}

const endedStatus = /^(cancell?ed|archived|deleted|aborted|abandoned)$/i

function projectStatus(status: unknown): ProjectStatus {
  return typeof status === 'string' && endedStatus.test(status.trim()) ? 'cancelled' : 'draft'
}

/** A value for the table of settings. */
export interface TranslatedSetting {
  readonly key: string
  readonly value: unknown
}

/** Words by which people call the ways to choose a model. */
const policyWords: Readonly<Record<string, string>> = {
  cost: 'cheapest',
  cheap: 'cheapest',
  lowestcost: 'cheapest',
  quality: 'best',
  speed: 'fastest',
  latency: 'fastest',
  local: 'local-first',
  localfirst: 'local-first',
}

/**
 * The row as it is, under a key that orch itself does not read, and the policy of choosing a model where its
 * strategies name one that orch has.
 */
export function translateSettings(row: SourceRow): readonly TranslatedSetting[] {
  const strategies = withoutKeys(row['strategies'])
  const kept = { activeTableName: textOf(row['activeTableName']), strategies }
  const policy = firstPolicy(strategies)
  return [
    { key: `adopted.${textOf(row['id'])}`, value: kept },
    ...(policy === undefined ? [] : [{ key: 'selection.policy', value: policy }]),
  ]
}

const strategyMembers = ['strategy', 'policy', 'type', 'name', 'id'] as const

/** The first strategy, in their order, that orch has a policy for; one that is switched off is passed over. */
function firstPolicy(strategies: unknown): string | undefined {
  if (typeof strategies === 'string') return policyNamed(strategies)
  if (Array.isArray(strategies)) {
    for (const one of strategies) {
      const policy = firstPolicy(one)
      if (policy !== undefined) return policy
    }
    return undefined
  }
  if (typeof strategies !== 'object' || strategies === null) return undefined
  const members = strategies as Readonly<Record<string, unknown>>
  if (members['enabled'] === false || members['isEnabled'] === false) return undefined
  const named = strategyMembers.map((name) => members[name]).filter((value) => typeof value === 'string')
  return named.map(policyNamed).find((policy) => policy !== undefined)
}

function policyNamed(text: string): string | undefined {
  const folded = foldedName(text.trim()).replaceAll('-', '')
  const policies: readonly string[] = settingDefinitions['selection.policy'].choices
  return policies.find((policy) => policy.replaceAll('-', '') === folded) ?? policyWords[folded]
}
