import type { Context } from '../../../context.ts'
import type { RunWork } from '../../../scheduling/run-jobs.ts'
import { jobsDeps } from './jobs-context.ts'
import type { ParsedRunOptions } from './run-options.ts'

export interface WorkOptions extends ParsedRunOptions {
  /** Let a simulated model stand in where no provider can; its jobs are marked. */
  readonly allowRehearsal: boolean
}

const rehearsalLatencyMs = 50

/** What a run works on: the real database and executors, or a scratch copy with simulated work. */
export async function prepareWork(context: Context, options: WorkOptions): Promise<RunWork> {
  const { realWork, refuseNewerDatabase, rehearsedWork, requireRunnableProject } =
    await import('../../../scheduling/run-jobs.ts')
  const deps = await jobsDeps(context, { detect: true })
  await refuseNewerDatabase(deps)
  await requireRunnableProject(deps, options.project ?? null)
  if (!options.rehearse) return realWork(deps, await context.executionDeps(options), await context.heartbeat())
  const { migrations } = await import('../../../../migrations/index.ts')
  return rehearsedWork(
    { ...deps, random: context.random },
    {
      projectSlug: options.project ?? null,
      seed: options.seed,
      latencyMs: options.latency ?? rehearsalLatencyMs,
      failureRate: options.failureRate,
      migrations,
      toolVersion: context.version,
    },
  )
}
