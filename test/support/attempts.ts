/** Attempts of one job on a real database and a real workspace, with scripted models and injectable deaths. */
import type { CallDeps } from '../../src/calls/call-deps.ts'
import type { Database } from '../../src/database/connection.ts'
import type { ProjectRow } from '../../src/database/tables.ts'
import type { PlannedJob } from '../../src/domain/plan.ts'
import type { Attempt, Outcome } from '../../src/execution/attempt.ts'
import { executeAttempt } from '../../src/execution/execute-attempt.ts'
import type { ExecutionDeps, ExecutionLimits } from '../../src/execution/execution-deps.ts'
import { builtInRoles } from '../../src/models/built-in-roles.ts'
import type { ModelCall, ModelReply, ToolCall } from '../../src/providers/model-client.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemIds } from '../../src/runtime/ids.ts'
import { runCommand } from '../../src/workspace/run-command.ts'
import { openWorkspace } from '../../src/workspace/workspace.ts'
import { storeRows } from './job-rows.ts'
import { aReply, scriptedCalls, type ScriptedCalls } from './scripted-calls.ts'
import { claim } from './scheduling.ts'
import { temporaryDirectory } from './databases.ts'

export interface Scene {
  readonly database: Database
  readonly slug: string
  readonly workspace: string
  readonly spoolDir: string
}

let scenes = 0

/** Stores an approved project of one job and gives it a workspace. */
export async function aScene(
  database: Database,
  job: Partial<PlannedJob>,
  project: Partial<ProjectRow> = {},
): Promise<Scene> {
  const slug = `scene-${(scenes += 1)}`
  const workspace = temporaryDirectory()
  await openWorkspace(workspace, { createWith: systemIds })
  await storeRows(database, { slug, jobs: [{ key: 'job', ...job }], project: { workspace, ...project } })
  return { database, slug, workspace, spoolDir: temporaryDirectory() }
}

/** Claims the job of a scene as a scheduler would. */
export async function claimAttempt(scene: Scene, controller = new AbortController()): Promise<Attempt> {
  const [claimed] = await claim(scene.database, { projectSlug: scene.slug, limit: 1 })
  if (claimed === undefined) throw new Error('there is nothing to claim')
  return {
    job: claimed.job,
    project: claimed.project,
    number: claimed.job.attempt,
    try: claimed.job.try,
    schedulerId: 'scheduler',
    signal: controller.signal,
    lastFailure: claimed.job.error,
  }
}

/** Puts the job back as rescue does: the same try, ready for another attempt. */
export async function rescue({ database, slug }: Scene): Promise<void> {
  await database.db
    .updateTable('jobs')
    .set({ state: 'ready', lease_owner: null, lease_expires_at: null })
    .where('project_id', '=', slug)
    .execute()
  await database.db.deleteFrom('job_locks').execute()
}

/** Limits that no ordinary test comes near. */
export const usualLimits: ExecutionLimits = {
  turns: 40,
  callTimeoutMs: 600_000,
  attemptTimeoutMs: 600_000,
  silence: { most: 600_000, stated: false },
  job: { tokens: { most: 10_000_000, stated: false }, microUsd: { most: 100_000_000, stated: false } },
}

export function executionDeps(calls: CallDeps, overrides: Partial<ExecutionDeps> = {}): ExecutionDeps {
  return {
    calls,
    roles: {
      get: async (id) => {
        const role = builtInRoles.find((one) => one.id === id)
        if (role === undefined) throw new Error(`no role ${id}`)
        return role
      },
    },
    openWorkspace: (root) => openWorkspace(root),
    runCommand: (argv, options) => runCommand(argv, { ...options, env: process.env, clock: systemClock }),
    allowedBinaries: [],
    limits: usualLimits,
    ...overrides,
  }
}

/** Claims and executes once. */
export async function runOnce(
  scene: Scene,
  options: Parameters<typeof scriptedCalls>[2] & { readonly execution?: Partial<ExecutionDeps> } = {},
): Promise<{ readonly outcome: Outcome; readonly calls: ScriptedCalls; readonly attempt: Attempt }> {
  const { execution, ...rest } = options
  const attempt = await claimAttempt(scene)
  const calls = scriptedCalls(scene.database, scene.spoolDir, rest)
  const outcome = await executeAttempt(executionDeps(calls, execution), attempt)
  return { outcome, calls, attempt }
}

let toolCalls = 0

/** A reply that calls tools. */
export function useTools(...calls: readonly (readonly [name: string, input: unknown])[]): ModelReply {
  const made = calls.map(([name, input]): ToolCall => ({ id: `call-${(toolCalls += 1)}`, name, input }))
  return aReply({ text: '', toolCalls: made, finish: 'tool_calls' })
}

export function submit(summary = 'did it', claims: readonly string[] = []): ModelReply {
  return useTools(['submit', { summary, claims }])
}

/** How many replies of the model the conversation already holds: which turn this is, from 0. */
export function turnOf(call: ModelCall): number {
  return call.messages.filter(({ role }) => role === 'assistant').length
}
