/**
 * The plan file's shape, snake_case as people write it (DESIGN section 8). Free of transforms, so that the
 * JSON Schema published for editors is the very same rule.
 */
import * as z from 'zod'
import { executorKinds, modelNeeds, plannedExecutorKinds } from '../domain/plan.ts'
import { priorities } from '../domain/job-state.ts'
import { parseDuration } from './duration.ts'

/** A goal longer than this belongs into a file given with `--context`. */
export const goalLimitBytes = 32 * 1024
export const planJobLimit = 10_000
export const defaultCheckTimeoutMs = 600_000
export const defaultMaxTries = 3
export const defaultRole = 'general_worker'

export const slugPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
export const jobKeyPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/

const text = (limit: number) => z.string().min(1).max(limit)
const argv = z.tuple([z.string().min(1)], z.string()).describe('A command as a list of arguments; no shell')
const duration = z
  .union([
    z.number().positive(),
    z.string().refine((value) => parseDuration(value) !== null, 'seconds, or text like 90s, 10m or 1h'),
  ])
  .describe('Seconds, or text like 90s, 10m, 1h')
const paths = z.array(text(1000)).max(1000)
const checkId = z.string().regex(jobKeyPattern)

const fileCheck = z.strictObject({
  id: checkId,
  check: z.literal('file'),
  path: text(1000).describe('Path or glob in the workspace'),
  contains: text(10_000).optional().describe('Text the file must contain'),
  changed: z.boolean().optional().describe('Whether the job must have changed it; default true'),
})
const schemaCheck = z
  .strictObject({
    id: checkId,
    check: z.literal('schema'),
    path: text(1000).optional().describe('A JSON file in the workspace; without it, use reply: true'),
    reply: z.literal(true).optional().describe("Checks the job's reply instead of a file"),
    schema: z.record(z.string(), z.unknown()).describe('A JSON Schema'),
  })
  .refine((value) => (value.path === undefined) !== (value.reply === undefined), 'either path or reply: true')
const commandCheck = z.strictObject({
  id: checkId,
  check: z.literal('command'),
  run: argv.describe('Passes when it exits with 0'),
  timeout: duration.optional(),
})

const check = z.discriminatedUnion('check', [fileCheck, schemaCheck, commandCheck])
const task = z.strictObject({ title: text(300), description: text(100_000) })
const estimate = z.strictObject({
  input_tokens: z.int().nonnegative(),
  output_tokens: z.int().nonnegative(),
})

const job = z.strictObject({
  key: z.string().regex(jobKeyPattern).describe('Unique in the plan: lower-case letters, digits, - _ .'),
  title: text(300),
  description: text(100_000),
  role: text(64).optional().describe(`Who does it; default ${defaultRole}; none for command jobs`),
  depends_on: z.array(z.string()).max(planJobLimit).optional(),
  priority: z.enum(Object.keys(priorities) as [keyof typeof priorities]).optional(),
  executor: z.enum(executorKinds).optional().describe('How the work is done; default agent'),
  run: argv.optional().describe('The command of a command job'),
  timeout: duration.optional().describe('The most a command job may take'),
  repeatable: z.boolean().optional().describe('Whether a command that may have run already may simply run again'),
  needs: z.array(z.enum(modelNeeds)).optional(),
  writes: paths.optional().describe('Globs the job may write; default: its deliverables'),
  locks: z.array(text(200)).max(100).optional().describe('Named resources, one holder at a time'),
  tasks: z.array(task).max(100).optional(),
  acceptance: z.array(check).max(100).optional(),
  deliverables: paths.optional(),
  estimate: estimate.optional(),
  max_tries: z.int().min(1).max(100).optional(),
  model: z
    .string()
    .regex(/^[^/\s]+\/\S+$/)
    .optional()
    .describe('provider/model, to pin one'),
})

export const planFile = z.strictObject({
  version: z.literal(1),
  project: z.string().regex(slugPattern).describe('Slug: lower-case letters, digits and dashes'),
  goal: text(goalLimitBytes),
  budget_usd: z.number().nonnegative().max(1_000_000_000).optional().describe('The most the project may spend'),
  workspace: text(4096).optional(),
  commands: z.array(argv).max(1000).optional().describe("What an agent's run tool may run, besides the checks"),
  jobs: z.array(job).min(1).max(planJobLimit),
})

/** A plan as the file states it. */
export type PlanFile = z.infer<typeof planFile>
export type JobEntry = z.infer<typeof job>
export type CheckEntry = z.infer<typeof check>

const checkShapes = { file: fileCheck, schema: schemaCheck, command: commandCheck }

/** The keys that belong at a place of the document, for suggestions. `value` is what stands there. */
export function knownKeysAt(at: readonly (string | number)[], value: unknown): readonly string[] {
  const place = at.filter((part) => typeof part === 'string').join('.')
  if (place === '') return Object.keys(planFile.shape)
  if (place === 'jobs') return Object.keys(job.shape)
  if (place === 'jobs.tasks') return Object.keys(task.shape)
  if (place === 'jobs.estimate') return Object.keys(estimate.shape)
  if (place !== 'jobs.acceptance') return []
  const kind = typeof value === 'object' && value !== null && 'check' in value ? String(value.check) : ''
  return Object.keys((checkShapes as Record<string, { shape: object }>)[kind]?.shape ?? fileCheck.shape)
}

/** Executors the design names and this version refuses. */
export function isPlannedExecutor(value: unknown): boolean {
  return (plannedExecutorKinds as readonly unknown[]).includes(value)
}

/** JSON Schema of the plan file, for `orch schema plan` and editors. */
export function planFileSchema(): Record<string, unknown> {
  return { title: 'orch plan file', ...z.toJSONSchema(planFile, { io: 'input' }) }
}
