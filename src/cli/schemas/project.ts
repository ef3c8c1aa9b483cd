import * as z from 'zod'
import { jobStates, priorities } from '../../domain/job-state.ts'
import { executorKinds } from '../../domain/plan.ts'
import { projectStatuses } from '../../domain/project.ts'
import { planFile } from '../../planning/plan-schema.ts'
import { documentSchema, money, time } from './values.ts'

const keys = z.array(z.string())
const priority = z.enum(Object.keys(priorities) as [keyof typeof priorities])
const executor = z.enum(executorKinds)
const project = {
  id: z.string(),
  slug: z.string(),
  goal: z.string(),
  status: z.enum(projectStatuses),
  workspace: z.string(),
  budget: money.nullable().describe('Null is no budget'),
  planHash: z.string(),
  approved: z.boolean(),
  approvedAt: time.nullable(),
  approvedBy: z.string().nullable(),
  createdAt: time,
  updatedAt: time,
}
const overview = {
  ...project,
  status: z.enum([...projectStatuses, 'finished', 'failed']),
  jobs: z.partialRecord(z.enum(jobStates), z.int()),
  knownSpend: money.nullable().describe('Null where nothing is accounted for'),
  unpricedCalls: z.int().nullable().describe('Calls whose cost is unknown'),
}
const scope = z.strictObject({
  workspace: z.string(),
  budget: money.nullable(),
  commands: z.array(z.strictObject({ argv: keys, usedBy: keys })),
  roles: z.array(z.strictObject({ id: z.string(), tools: keys })),
})
const waves = z.array(keys)
const job = {
  key: z.string(),
  title: z.string(),
  role: z.string().nullable(),
  executor,
  priority,
  wave: z.int().nullable(),
  dependsOn: keys,
  deliverables: keys,
}
const plan = z.strictObject({
  slug: z.string(),
  goal: z.string(),
  workspace: z.string(),
  budget: money.nullable(),
  jobs: z.array(
    z.strictObject({
      ...job,
      acceptance: z.array(z.strictObject({ id: z.string(), check: z.enum(['file', 'schema', 'command']) })),
      estimate: z
        .strictObject({
          model: z.string().nullable(),
          inputTokens: z.int().nullable(),
          outputTokens: z.int().nullable(),
          tokenSource: z.enum(['plan', 'default']).nullable(),
          cost: money.nullable().describe('Null is unknown'),
          durationMs: z.number(),
        })
        .nullable(),
    }),
  ),
  estimate: z.strictObject({
    inputTokens: z.int(),
    outputTokens: z.int(),
    knownCost: money,
    unpricedJobs: z.int(),
    makespanMs: z.number(),
    criticalPathMs: z.number(),
    concurrency: z.int(),
    waves,
    width: z.int(),
  }),
  approvalCovers: scope,
})
/** A project that was adopted has no jobs before somebody plans them. */
const exportedPlan = planFile.extend({ jobs: z.array(planFile.shape.jobs.element) })
const planned = z.strictObject({
  project: z
    .strictObject({
      id: z.string(),
      slug: z.string(),
      status: z.enum(projectStatuses),
      planHash: z.string(),
      approved: z.boolean(),
    })
    .nullable()
    .describe('Null when the plan was not stored'),
  planFile: z.string().nullable(),
  plan,
  planner: z.strictObject({ calls: z.int(), model: z.string().nullable(), cost: money.nullable() }).nullable(),
  ignored: keys.describe('Person-only fields that the model wrote and that were left out'),
})
const shown = z.strictObject({
  ...overview,
  planJobs: z.array(z.strictObject({ id: z.string(), ...job, state: z.enum(jobStates), blockedBy: z.int() })),
  waves,
  width: z.int(),
  approvalCovers: scope,
})
const changed = z.boolean()

export const schemas = {
  'project.plan': documentSchema('project.plan', planned),
  'project.list': documentSchema('project.list', z.array(z.strictObject(overview))),
  'project.show': documentSchema('project.show', shown.nullable()),
  'project.graph': documentSchema(
    'project.graph',
    z
      .strictObject({
        slug: z.string(),
        format: z.enum(['mermaid', 'dot']),
        text: z.string(),
        edges: z.array(z.strictObject({ from: z.string(), to: z.string() })),
      })
      .nullable(),
  ),
  'project.approve': documentSchema('project.approve', z.strictObject({ ...project, changed, approvalCovers: scope })),
  'project.export': documentSchema(
    'project.export',
    z.strictObject({ slug: z.string(), file: z.string().nullable(), plan: exportedPlan }).nullable(),
  ),
  'project.apply': documentSchema(
    'project.apply',
    z.strictObject({
      ...project,
      outcome: z.enum(['created', 'unchanged', 'changed']),
      added: keys,
      changed: keys,
      removed: keys,
      keptAsTheyWere: keys,
    }),
  ),
  'project.pause': documentSchema('project.pause', z.strictObject({ ...project, changed })),
  'project.resume': documentSchema('project.resume', z.strictObject({ ...project, changed })),
  'project.cancel': documentSchema('project.cancel', z.strictObject({ ...project, changed, cancelledJobs: keys })),
}
