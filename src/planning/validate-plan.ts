/** What a plan must satisfy beyond its shape. Deterministic, complete, and the same for files, replies and blueprints. */
import { closestWord } from '../domain/closest-word.ts'
import { findCycles } from '../domain/plan-graph.ts'
import type { Check, Plan, PlannedJob } from '../domain/plan.ts'
import { planFault, type PlanFault, type PlanPath } from './plan-fault.ts'

export interface PlanRules {
  /** Ids of the org chart. */
  readonly roles: ReadonlySet<string>
  /** The most jobs the person asked for; null for the format's own limit. */
  readonly maxJobs?: number | null
}

/** Every fault of the plan, in document order of their kind; empty means valid. */
export function validatePlan(plan: Plan, rules: PlanRules): readonly PlanFault[] {
  const keys = new Set(plan.jobs.map(({ key }) => key))
  const jobFaults = plan.jobs.flatMap((job, index) => {
    const at = ['jobs', index]
    return [
      ...roleFaults(job, at, rules),
      ...edgeFaults(job, at, keys),
      ...commandFaults(job, at),
      ...workFaults(job, at),
    ]
  })
  return [...countFaults(plan, rules), ...duplicateKeys(plan), ...jobFaults, ...cycleFaults(plan)]
}

function countFaults(plan: Plan, { maxJobs }: PlanRules): PlanFault[] {
  if (maxJobs === undefined || maxJobs === null || plan.jobs.length <= maxJobs) return []
  return [planFault('too_many_jobs', ['jobs'], `expected at most ${maxJobs} jobs, found ${plan.jobs.length}`)]
}

function duplicateKeys(plan: Plan): PlanFault[] {
  const first = new Map<string, number>()
  return plan.jobs.flatMap(({ key }, index) => {
    const earlier = first.get(key)
    if (earlier === undefined) {
      first.set(key, index)
      return []
    }
    return [planFault('duplicate_key', ['jobs', index, 'key'], `${key} is already the key of jobs[${earlier}]`)]
  })
}

function roleFaults(job: PlannedJob, at: PlanPath, { roles }: PlanRules): PlanFault[] {
  if (job.role === null || roles.has(job.role)) return []
  const near = closestWord(job.role, roles)
  const hint = near === null ? `the roles are ${[...roles].join(', ')}` : `did you mean ${near}?`
  return [planFault('unknown_role', [...at, 'role'], `no role ${job.role}; ${hint}`)]
}

function edgeFaults(job: PlannedJob, at: PlanPath, keys: ReadonlySet<string>): PlanFault[] {
  const seen = new Set<string>()
  return job.dependsOn.flatMap((key, index) => {
    const place = [...at, 'depends_on', index]
    if (key === job.key) return [planFault('self_dependency', place, `${key} cannot wait for itself`)]
    if (seen.has(key)) return [planFault('duplicate_dependency', place, `${key} is already in the list`)]
    seen.add(key)
    if (keys.has(key)) return []
    const near = closestWord(key, keys)
    return [planFault('unknown_dependency', place, `no job ${key}${near === null ? '' : `; did you mean ${near}?`}`)]
  })
}

function cycleFaults(plan: Plan): PlanFault[] {
  return findCycles(plan.jobs).map((cycle) => {
    const index = plan.jobs.findIndex(({ key }) => key === cycle[0])
    return planFault('cycle', ['jobs', index, 'depends_on'], `these jobs wait for each other: ${cycle.join(' -> ')}`)
  })
}

function commandFaults(job: PlannedJob, at: PlanPath): PlanFault[] {
  const isCommand = job.executor === 'command'
  if (isCommand && job.run === null) {
    return [planFault('missing_command', [...at, 'run'], 'a command job needs run, a list of arguments')]
  }
  if (isCommand) return []
  const misplaced = (['run', 'timeout', 'repeatable'] as const).filter((key) => {
    return { run: job.run !== null, timeout: job.timeoutMs !== null, repeatable: job.repeatable }[key]
  })
  return misplaced.map((key) =>
    planFault(
      'misplaced_command',
      [...at, key],
      `only command jobs have ${key}; this one's executor is ${job.executor}`,
    ),
  )
}

function workFaults(job: PlannedJob, at: PlanPath): PlanFault[] {
  return [
    ...pathFaults(job.deliverables, [...at, 'deliverables']),
    ...pathFaults(job.writes ?? [], [...at, 'writes']),
    ...replyFileFaults(job, at),
    ...checkFaults(job, at),
  ]
}

/** An llm job has one reply, so it can fill one file, and only where the file has a name. */
function replyFileFaults(job: PlannedJob, at: PlanPath): PlanFault[] {
  if (job.executor !== 'llm') return []
  const place = [...at, 'deliverables']
  if (job.deliverables.length > 1) {
    const message = `expected at most one for an llm job, whose reply becomes the file; found ${job.deliverables.length}`
    return [planFault('bad_deliverable', place, message)]
  }
  return job.deliverables
    .filter((path) => /[*?[\]{}]|\/$/.test(path))
    .map((path) =>
      planFault('bad_deliverable', [...place, 0], `expected the name of one file for an llm job, found ${path}`),
    )
}

function checkFaults(job: PlannedJob, at: PlanPath): PlanFault[] {
  const seen = new Set<string>()
  return job.acceptance.flatMap((check, index) => {
    const place = [...at, 'acceptance', index]
    const repeated = seen.has(check.id)
      ? [planFault('duplicate_check', [...place, 'id'], `${check.id} is already a check of this job`)]
      : []
    seen.add(check.id)
    return [...repeated, ...oneCheckFaults(job, check, place)]
  })
}

function oneCheckFaults(job: PlannedJob, check: Check, place: PlanPath): PlanFault[] {
  if (check.check === 'command') return []
  if (check.check === 'schema' && check.path === null) {
    return job.executor === 'command'
      ? [planFault('bad_check', place, 'a command job has no reply to check; give the path of a file')]
      : []
  }
  const path = check.path ?? ''
  const outside = pathFaults([path], place).map((fault) => planFault('bad_path', [...place, 'path'], fault.message))
  // Its reply is all an llm job can write, so a changed file elsewhere is out of its reach.
  const unreachable =
    job.executor === 'llm' && check.check === 'file' && check.changed && !job.deliverables.includes(path)
  if (!unreachable) return outside
  return [
    ...outside,
    planFault('bad_check', [...place, 'path'], `an llm job writes only its deliverable, never ${path}`),
  ]
}

const protectedFolders = new Set(['.git', '.orch'])

function pathFaults(paths: readonly string[], at: PlanPath): PlanFault[] {
  return paths.flatMap((path, index) => {
    const reason = pathFault(path)
    return reason === null ? [] : [planFault('bad_path', [...at, index], `${reason}: ${path}`)]
  })
}

function pathFault(path: string): string | null {
  const parts = path.split('/')
  if (path.includes('\0') || path.includes('\\')) return 'expected / between folders and no control characters'
  if (path.startsWith('/') || path.startsWith('~') || /^[a-z]:/i.test(path))
    return 'expected a path relative to the workspace'
  if (parts.includes('..')) return 'expected a path inside the workspace'
  if (protectedFolders.has(parts.find((part) => part !== '.') ?? '')) return 'expected no protected folder'
  return null
}
