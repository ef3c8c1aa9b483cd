import type { Context } from '../../../context.ts'
import type { ExecutionDeps } from '../../../execution/execution-deps.ts'
import type { AllowedBinary } from '../../../execution/tools/command-permission.ts'
import { OrchError } from '../../../errors/orch-error.ts'
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
  const { realWork, rehearsedWork, requireRunnableProject } = await import('../../../scheduling/run-jobs.ts')
  const deps = await jobsDeps(context)
  await requireRunnableProject(deps, options.project ?? null)
  if (!options.rehearse) return realWork(deps, await executionDeps(context, options))
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

async function executionDeps(context: Context, options: WorkOptions): Promise<ExecutionDeps> {
  const { openWorkspace } = await import('../../../workspace/workspace.ts')
  const { runCommand } = await import('../../../workspace/run-command.ts')
  const { allowUnpriced, allowRehearsal } = options
  const roles = await context.roles()
  return {
    calls: await context.callDeps({ allowUnpriced, allowRehearsal }),
    roles: { get: (id) => roles.get(id) },
    openWorkspace: (root) => openWorkspace(root),
    runCommand: (argv, run) => runCommand(argv, { ...run, env: context.env, clock: context.clock }),
    allowedBinaries: (await context.settings()).get('commands.allow').map(toAllowedBinary),
  }
}

/** One entry of `commands.allow`: a JSON array, an argv prefix whose parts may hold `*`. */
function toAllowedBinary(text: string): AllowedBinary {
  const parsed = parseJson(text)
  const [binary, ...rest] = Array.isArray(parsed) ? parsed : []
  if (typeof binary === 'string' && rest.every((part) => typeof part === 'string')) {
    return { binary, arguments: rest.at(-1) === '...' ? rest : [...rest, '...'] }
  }
  throw new OrchError('ORCH_CONFIG_INVALID', `commands.allow: ${text} is no JSON array of texts`, {
    hint: 'Write one array each, for example ["npm","run","*"]',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
