/** What jobs used: calls, tokens and money, for lists and boards. */
import type { MicroUsd } from '../../domain/money.ts'
import type { Db } from '../dialect/dialect.ts'

export interface JobUsage {
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** The sum of the costs that are known. */
  readonly knownMicroUsd: MicroUsd
  /** Calls whose cost is not known; while there are any, the sum is not the whole. */
  readonly unknownCalls: number
  readonly simulatedCalls: number
  /** `provider/model` of the latest call. */
  readonly model: string
}

/** Usage by job id; jobs without a call are left out. */
export async function readJobUsage(
  db: Db,
  scope: { readonly projectId?: string; readonly jobIds?: readonly string[] },
): Promise<Map<string, JobUsage>> {
  let query = db
    .selectFrom('model_usage')
    .select((eb) => [
      'job_id',
      'provider_id',
      'model_id',
      eb.fn.max('id').as('latest'),
      eb.fn.countAll<number>().as('calls'),
      eb.fn.sum<number | null>('input_tokens').as('input_tokens'),
      eb.fn.sum<number | null>('output_tokens').as('output_tokens'),
      eb.fn.sum<number | null>('cost_micro_usd').as('cost'),
      eb.fn.count<number>('cost_micro_usd').as('known'),
      eb.fn.sum<number>(eb.case().when('source', '=', 'simulated').then(1).else(0).end()).as('simulated'),
    ])
    .where('job_id', 'is not', null)
    .groupBy(['job_id', 'provider_id', 'model_id'])
    .orderBy('latest')
  if (scope.projectId !== undefined) query = query.where('project_id', '=', scope.projectId)
  if (scope.jobIds !== undefined) {
    if (scope.jobIds.length === 0) return new Map()
    query = query.where('job_id', 'in', scope.jobIds)
  }
  const usage = new Map<string, JobUsage>()
  for (const row of await query.execute()) {
    const before = usage.get(row.job_id ?? '')
    const simulated = Number(row.simulated)
    usage.set(row.job_id ?? '', {
      calls: (before?.calls ?? 0) + Number(row.calls),
      inputTokens: (before?.inputTokens ?? 0) + Number(row.input_tokens ?? 0),
      outputTokens: (before?.outputTokens ?? 0) + Number(row.output_tokens ?? 0),
      knownMicroUsd: (before?.knownMicroUsd ?? 0) + Number(row.cost ?? 0),
      // A simulated call costs nothing and is no spend; its cost is not unknown.
      unknownCalls: (before?.unknownCalls ?? 0) + Math.max(0, Number(row.calls) - Number(row.known) - simulated),
      simulatedCalls: (before?.simulatedCalls ?? 0) + simulated,
      model: `${row.provider_id}/${row.model_id}`,
    })
  }
  return usage
}

/** What jobs of one project, or of all, are known to have cost, and how many calls have no known cost. */
export async function sumSpend(
  db: Db,
  projectSlug: string | null,
): Promise<{ readonly spentMicroUsd: MicroUsd; readonly unknownCalls: number }> {
  let query = db
    .selectFrom('model_usage')
    .innerJoin('projects', 'projects.id', 'model_usage.project_id')
    .select((eb) => [
      eb.fn.sum<number | null>('model_usage.cost_micro_usd').as('cost'),
      eb.fn.count<number>('model_usage.cost_micro_usd').as('known'),
      eb.fn.countAll<number>().as('calls'),
    ])
    .where('model_usage.source', '<>', 'simulated')
  if (projectSlug !== null) query = query.where('projects.slug', '=', projectSlug)
  const row = await query.executeTakeFirst()
  return {
    spentMicroUsd: Number(row?.cost ?? 0),
    unknownCalls: Number(row?.calls ?? 0) - Number(row?.known ?? 0),
  }
}
