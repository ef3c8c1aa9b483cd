/**
 * What a model may write into a plan, and how its reply becomes one. Fields that belong to the person
 * (budget, workspace, allowed commands, model pins, limits, approval) are not asked for; where a model
 * writes them anyway they are left out and reported.
 */
import * as z from 'zod'
import { executorKinds, modelNeeds, type JsonSchema, type Plan } from '../domain/plan.ts'
import { priorities } from '../domain/job-state.ts'
import { planFault, type PlanFault } from './plan-fault.ts'
import { checkPlanDocument } from './plan-file.ts'

/**
 * Every key is required and may be null, because vendors' strict modes refuse optional keys. Checks are flat
 * and a JSON Schema is text, because strict modes refuse free-form objects.
 */
const check = z.strictObject({
  id: z.string().describe('Short and unique in the job: lower-case letters, digits, -'),
  check: z.enum(['file', 'schema', 'command']),
  path: z.string().nullable().describe('file: the file or glob that must exist; schema: the JSON file to check'),
  contains: z.string().nullable().describe('file: text that must be in it'),
  changed: z.boolean().nullable().describe('file: whether the job must have changed it; null means true'),
  reply: z.boolean().nullable().describe("schema: true checks the job's reply instead of a file"),
  schema: z.string().nullable().describe('schema: a JSON Schema, as JSON text'),
  run: z.array(z.string()).nullable().describe('command: program and arguments, no shell; passes when it exits with 0'),
})

const job = z.strictObject({
  key: z.string().describe('Unique: lower-case letters, digits, -'),
  title: z.string(),
  description: z.string().describe('Everything a stranger needs to do it'),
  role: z.string().nullable().describe('One of the roles; null for command jobs'),
  depends_on: z.array(z.string()).describe('Keys of jobs whose results this one needs'),
  priority: z.enum(Object.keys(priorities) as [keyof typeof priorities]).nullable(),
  executor: z.enum(executorKinds),
  run: z.array(z.string()).nullable().describe('command jobs only: program and arguments, no shell'),
  needs: z.array(z.enum(modelNeeds)).nullable(),
  writes: z.array(z.string()).nullable().describe('Globs it may write; null means its deliverables'),
  locks: z.array(z.string()).nullable(),
  tasks: z.array(z.strictObject({ title: z.string(), description: z.string() })).nullable(),
  acceptance: z.array(check),
  deliverables: z.array(z.string()).describe('Paths or globs, relative to the workspace'),
  estimate: z.strictObject({ input_tokens: z.number(), output_tokens: z.number() }).nullable(),
})

/** The JSON Schema that the architect asks a model to fill. */
export function planReplySchema(): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(z.strictObject({ jobs: z.array(job) }))
  return schema
}

/** What the person decided before the model was asked. */
export interface PlanFrame {
  readonly project: string
  readonly goal: string
  readonly budgetMicroUsd: Plan['budgetMicroUsd']
  readonly workspace: string | null
}

export type CompiledReply =
  /** `ignored` names each person-only field that the model wrote, by path. */
  | { readonly kind: 'plan'; readonly plan: Plan; readonly ignored: readonly string[] }
  | { readonly kind: 'invalid'; readonly faults: readonly PlanFault[] }

const personOnly = ['budget_usd', 'budget', 'workspace', 'commands', 'approved', 'approval', 'limits']
const jobPersonOnly = ['model', 'max_tries', 'approved', 'budget_usd']
/** Harmless repetition of what the frame says already. */
const echoed = ['version', 'project', 'goal']

type JsonObject = Readonly<Record<string, unknown>>

/** Turns the document of a reply into a plan inside the person's frame. Roles and graph are checked elsewhere. */
export function compileReply(document: JsonObject, frame: PlanFrame): CompiledReply {
  const ignored = [
    ...personOnly.filter((key) => isGiven(document[key])),
    ...objectsIn(document['jobs']).flatMap(({ index, object }) =>
      jobPersonOnly.filter((key) => isGiven(object[key])).map((key) => `jobs[${index}].${key}`),
    ),
  ]
  const faults: PlanFault[] = []
  const jobs = mapObjects(document['jobs'], (entry, index) => toJobEntry(entry, ['jobs', index], faults))
  const rest = without(document, [...personOnly, ...echoed, 'jobs'])
  const checked = checkPlanDocument({ version: 1, project: frame.project, goal: frame.goal, ...rest, jobs })
  if (checked.kind === 'invalid') return { kind: 'invalid', faults: [...faults, ...checked.faults] }
  if (faults.length > 0) return { kind: 'invalid', faults }
  const plan = { ...checked.plan, budgetMicroUsd: frame.budgetMicroUsd, workspace: frame.workspace }
  return { kind: 'plan', plan, ignored }
}

function toJobEntry(entry: JsonObject, at: readonly (string | number)[], faults: PlanFault[]): JsonObject {
  const given = without(withoutNulls(entry), jobPersonOnly)
  const acceptance = mapObjects(given['acceptance'], (item, index) =>
    toCheckEntry(item, [...at, 'acceptance', index], faults),
  )
  return acceptance === undefined ? given : { ...given, acceptance }
}

/** A schema written as text becomes the object that plans hold; `false` in a flag means the same as null. */
function toCheckEntry(item: JsonObject, at: readonly (string | number)[], faults: PlanFault[]): JsonObject {
  const entry = withoutNulls(item)
  const given = entry['reply'] === false ? without(entry, ['reply']) : entry
  const { schema } = given
  if (typeof schema !== 'string') return given
  try {
    return { ...given, schema: JSON.parse(schema) as unknown }
  } catch {
    faults.push(planFault('bad_value', [...at, 'schema'], 'expected a JSON Schema as JSON text, found other text'))
    return { ...given, schema: {} }
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectsIn(value: unknown): readonly { readonly index: number; readonly object: JsonObject }[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((object: unknown, index) => (isObject(object) ? [{ index, object }] : []))
}

/** Maps the objects of a list and leaves everything else as it is, for the schema to judge. */
function mapObjects(value: unknown, change: (object: JsonObject, index: number) => JsonObject): unknown {
  if (!Array.isArray(value)) return value
  return value.map((item: unknown, index) => (isObject(item) ? change(item, index) : item))
}

function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, member]) => member !== null))
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}
