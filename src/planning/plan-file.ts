/** The plan file (DESIGN section 8): YAML or JSON text to a Plan and back. */
import { Document, isScalar, isSeq, visit } from 'yaml'
import { microUsdFromUsd, microUsdPerUsd } from '../domain/money.ts'
import type { Check, Plan, PlannedJob } from '../domain/plan.ts'
import { formatDuration, parseDuration } from './duration.ts'
import type { PlanFault, PlanPath } from './plan-fault.ts'
import {
  defaultCheckTimeoutMs,
  defaultMaxTries,
  defaultRole,
  knownKeysAt,
  planFile,
  type CheckEntry,
  type JobEntry,
  type PlanFile,
} from './plan-schema.ts'
import { readYaml } from './read-yaml.ts'
import { schemaFaults } from './schema-faults.ts'

export type ParsedPlan =
  | { readonly kind: 'plan'; readonly plan: Plan; readonly lineOf: (at: PlanPath) => number | null }
  | { readonly kind: 'invalid'; readonly faults: readonly PlanFault[] }

/**
 * Reads a plan file. Faults carry path and line; unknown keys are faults with a suggestion. The graph and
 * the roles are `validatePlan`'s business. Never throws for what the text holds.
 */
export function parsePlanFile(text: string): ParsedPlan {
  const document = readYaml(text)
  if (document.kind === 'invalid') return document
  const checked = checkPlanDocument(document.value)
  if (checked.kind === 'plan') return { ...checked, lineOf: document.lineOf }
  return { kind: 'invalid', faults: withLines(checked.faults, document.lineOf) }
}

/** The same for a document that is already read: an object of the plan file's shape. */
export function checkPlanDocument(
  document: unknown,
):
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'invalid'; readonly faults: readonly PlanFault[] } {
  const checked = planFile.safeParse(document)
  if (checked.success) return { kind: 'plan', plan: toPlan(checked.data) }
  return { kind: 'invalid', faults: schemaFaults(checked.error, { document, knownKeysAt }) }
}

/** Adds the line of each fault's place. */
export function withLines(faults: readonly PlanFault[], lineOf: (at: PlanPath) => number | null): PlanFault[] {
  return faults.map((fault) => ({ ...fault, line: fault.line ?? lineOf(fault.at) }))
}

function toPlan(file: PlanFile): Plan {
  return {
    version: 1,
    project: file.project,
    goal: file.goal,
    budgetMicroUsd: file.budget_usd === undefined ? null : microUsdFromUsd(file.budget_usd),
    workspace: file.workspace ?? null,
    commands: file.commands ?? [],
    jobs: file.jobs.map(toJob),
  }
}

function toJob(entry: JobEntry): PlannedJob {
  const executor = entry.executor ?? 'agent'
  return {
    key: entry.key,
    title: entry.title,
    description: entry.description,
    role: entry.role ?? (executor === 'command' ? null : defaultRole),
    dependsOn: entry.depends_on ?? [],
    priority: entry.priority ?? 'medium',
    executor,
    run: entry.run ?? null,
    timeoutMs: entry.timeout === undefined ? null : parseDuration(entry.timeout),
    repeatable: entry.repeatable ?? false,
    needs: entry.needs ?? [],
    writes: entry.writes ?? null,
    locks: entry.locks ?? [],
    tasks: entry.tasks ?? [],
    acceptance: (entry.acceptance ?? []).map(toCheck),
    deliverables: entry.deliverables ?? [],
    estimate: entry.estimate
      ? { inputTokens: entry.estimate.input_tokens, outputTokens: entry.estimate.output_tokens }
      : null,
    maxTries: entry.max_tries ?? defaultMaxTries,
    model: entry.model ?? null,
  }
}

function toCheck(entry: CheckEntry): Check {
  switch (entry.check) {
    case 'file':
      return { ...entry, contains: entry.contains ?? null, changed: entry.changed ?? true }
    case 'schema':
      return { id: entry.id, check: 'schema', path: entry.path ?? null, schema: entry.schema }
    case 'command': {
      const timeoutMs = entry.timeout === undefined ? null : parseDuration(entry.timeout)
      return { id: entry.id, check: 'command', run: entry.run, timeoutMs: timeoutMs ?? defaultCheckTimeoutMs }
    }
  }
}

/** The plan as YAML that `parsePlanFile` reads back to an equal plan. Defaults are left out. */
export function serializePlan(plan: Plan): string {
  const document = new Document(toPlanDocument(plan), { aliasDuplicateObjects: false })
  visit(document, {
    Seq: (_key, node) => {
      // Argument lists and globs read best on one line.
      const short = node.items.every((item) => isScalar(item) || isSeq(item)) && JSON.stringify(node).length <= 100
      if (short && node.items.some(isScalar)) node.flow = true
    },
  })
  return document.toString({ lineWidth: 120, flowCollectionPadding: false })
}

/** The plan as the object that its file holds. */
export function toPlanDocument(plan: Plan): PlanFile {
  return withoutUndefined({
    version: 1,
    project: plan.project,
    goal: plan.goal,
    budget_usd: plan.budgetMicroUsd === null ? undefined : plan.budgetMicroUsd / microUsdPerUsd,
    workspace: plan.workspace ?? undefined,
    commands: unlessEmpty(plan.commands) as PlanFile['commands'],
    jobs: plan.jobs.map(toJobEntry),
  })
}

function toJobEntry(job: PlannedJob): JobEntry {
  const usualRole = job.executor === 'command' ? null : defaultRole
  return withoutUndefined({
    key: job.key,
    title: job.title,
    role: job.role === usualRole ? undefined : (job.role ?? undefined),
    description: job.description,
    depends_on: unlessEmpty(job.dependsOn),
    priority: job.priority === 'medium' ? undefined : job.priority,
    executor: job.executor,
    run: job.run === null ? undefined : [...job.run],
    timeout: job.timeoutMs === null ? undefined : formatDuration(job.timeoutMs),
    repeatable: job.repeatable || undefined,
    needs: unlessEmpty(job.needs),
    writes: job.writes === null ? undefined : [...job.writes],
    locks: unlessEmpty(job.locks),
    tasks: unlessEmpty(job.tasks),
    acceptance: unlessEmpty(job.acceptance.map(toCheckEntry)),
    deliverables: unlessEmpty(job.deliverables),
    estimate: job.estimate
      ? { input_tokens: job.estimate.inputTokens, output_tokens: job.estimate.outputTokens }
      : undefined,
    max_tries: job.maxTries === defaultMaxTries ? undefined : job.maxTries,
    model: job.model ?? undefined,
  } as JobEntry)
}

function toCheckEntry(check: Check): CheckEntry {
  switch (check.check) {
    case 'file': {
      const contains = check.contains ?? undefined
      return withoutUndefined({ ...check, contains, changed: check.changed ? undefined : false })
    }
    case 'schema': {
      const place = check.path === null ? { reply: true as const } : { path: check.path }
      return { id: check.id, check: 'schema', ...place, schema: check.schema }
    }
    case 'command': {
      const timeout = check.timeoutMs === defaultCheckTimeoutMs ? undefined : formatDuration(check.timeoutMs)
      return withoutUndefined({ id: check.id, check: 'command', run: [...check.run], timeout })
    }
  }
}

function unlessEmpty<T>(list: readonly T[]): T[] | undefined {
  return list.length === 0 ? undefined : [...list]
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}
