/** The flags of `orch project plan`, validated, as one wish. Everything wrong is found before a model is asked. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import * as z from 'zod'
import { microUsdFromUsd } from '../../../domain/money.ts'
import { OrchError } from '../../../errors/orch-error.ts'
import { kib } from '../../../planning/bounded-text.ts'
import { contextFileLimitBytes, readContextFiles } from '../../../planning/context-files.ts'
import type { PlanSource } from '../../../planning/make-plan.ts'
import { goalLimitBytes, planJobLimit, slugPattern } from '../../../planning/plan-schema.ts'
import { parseOptions, textArgument, type Invocation } from '../../command.ts'

const schema = z.object({
  context: z.array(z.string()).optional(),
  model: z.string().min(1, 'expected provider/model').optional(),
  maxJobs: z.coerce
    .number('expected a whole number')
    .int('expected a whole number')
    .min(1, 'expected 1 or more')
    .max(planJobLimit, `expected at most ${planJobLimit}`)
    .optional(),
  budget: z.coerce
    .number('expected dollars')
    .nonnegative('expected dollars, 0 or more')
    .max(1_000_000_000, 'expected less')
    .optional(),
  workspace: z.string().min(1, 'expected a directory').optional(),
  name: z.string().regex(slugPattern, 'expected lower-case letters, digits and dashes').optional(),
  from: z.string().min(1, 'expected a file').optional(),
  blueprint: z.string().min(1, 'expected a name').optional(),
  out: z.string().min(1, 'expected a file').optional(),
  approve: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  allowUnpriced: z.boolean().default(false),
})

export interface PlanOptions {
  readonly source: PlanSource
  readonly name: string | null
  readonly budgetMicroUsd: number | null
  readonly maxJobs: number | null
  /** Absolute. */
  readonly workspace: string | null
  readonly model: string | null
  /** Absolute; a file that does not exist yet. */
  readonly out: string | null
  readonly approve: boolean
  readonly dryRun: boolean
  readonly allowUnpriced: boolean
}

type Flags = z.infer<typeof schema>

/** Throws ORCH_USAGE, ORCH_FILE_UNREADABLE, and ORCH_CONFLICT for an output file that exists. */
export async function readPlanOptions(invocation: Invocation): Promise<PlanOptions> {
  const flags = parseOptions(schema, invocation.options)
  const { cwd } = invocation.context
  const at = (path: string | undefined) => (path === undefined ? null : resolve(cwd, path))
  const out = at(flags.out)
  if (out !== null && existsSync(out)) {
    throw new OrchError('ORCH_CONFLICT', `--out ${flags.out} exists already`, {
      hint: 'Name a file that does not exist yet',
    })
  }
  return {
    source: await readSource(textArgument(invocation, 0), flags, cwd),
    name: flags.name ?? null,
    budgetMicroUsd: flags.budget === undefined ? null : microUsdFromUsd(flags.budget),
    maxJobs: flags.maxJobs ?? null,
    workspace: at(flags.workspace),
    model: flags.model ?? null,
    out,
    approve: flags.approve,
    dryRun: flags.dryRun,
    allowUnpriced: flags.allowUnpriced,
  }
}

async function readSource(goal: string, flags: Flags, cwd: string): Promise<PlanSource> {
  const given = goal.trim()
  if (flags.from !== undefined || flags.blueprint !== undefined) refuseArchitectFlags(flags)
  if (flags.from !== undefined) {
    if (given !== '') throw usage('A plan file holds its own goal: give a goal or --from, not both')
    return { kind: 'file', path: flags.from }
  }
  checkSize(given)
  if (flags.blueprint !== undefined)
    return { kind: 'blueprint', name: flags.blueprint, goal: given === '' ? null : given }
  if (given === '') {
    throw usage(
      'The goal is empty',
      'Say what to reach, before any --context: orch project plan "A REST API for todo lists" --context notes.md',
    )
  }
  return { kind: 'goal', goal: given, context: await readContextFiles(flags.context ?? [], cwd) }
}

function refuseArchitectFlags(flags: Flags): void {
  if (flags.from !== undefined && flags.blueprint !== undefined) throw usage('Give --from or --blueprint, not both')
  const useless = (['context', 'model'] as const).find((name) => flags[name] !== undefined)
  if (useless === undefined) return
  throw usage(`--${useless} is for the model that plans, and neither a plan file nor a blueprint asks one`)
}

function checkSize(goal: string): void {
  const bytes = Buffer.byteLength(goal)
  if (bytes <= goalLimitBytes) return
  throw usage(
    `The goal has ${kib(bytes)}; the limit is ${kib(goalLimitBytes)}`,
    `Put the details into a file and name it: --context requirements.md (up to ${kib(contextFileLimitBytes)})`,
  )
}

function usage(message: string, hint?: string): OrchError {
  return new OrchError('ORCH_USAGE', message, { hint })
}
