import type { Check, Plan } from '../../domain/plan.ts'

/** What a person may say about a blueprint's plan. */
export interface BlueprintInput {
  /** The person's own words; null for the blueprint's. */
  readonly goal: string | null
  readonly project: string
}

/** A maintained plan that needs no model to be made. */
export interface Blueprint {
  readonly name: string
  readonly summary: string
  readonly goal: string
  build(input: BlueprintInput): Plan
}

/** A blueprint whose jobs are the same for every goal; budget and workspace are the person's to say. */
export function fixedBlueprint({
  commands,
  jobs,
  ...about
}: Pick<Blueprint, 'name' | 'summary' | 'goal'> & Pick<Plan, 'commands' | 'jobs'>): Blueprint {
  const build = ({ goal, project }: BlueprintInput): Plan => ({
    version: 1,
    project,
    goal: goal ?? about.goal,
    budgetMicroUsd: null,
    workspace: null,
    commands,
    jobs,
  })
  return { ...about, build }
}

/** The file exists, the job changed it, and it contains the text. */
export function fileCheck(id: string, path: string, contains: string | null = null): Check {
  return { id, check: 'file', path, contains, changed: true }
}

/** The command exits with 0 within a minute. */
export function commandCheck(id: string, run: readonly [string, ...string[]]): Check {
  return { id, check: 'command', run, timeoutMs: 60_000 }
}
