/**
 * `jobs retry --from` and `--continue`: a new try of a dead job that keeps what the last one paid for. The kept errands
 * are copied into the new try's journal, which replays them; the first one whose request differs ends the try as
 * `diverged`, so that old and new are never mixed.
 */
import { failureBefore, originTry, readErrandsUsage, type ErrandsUsage } from '../database/queries/keep-errands.ts'
import type { KeptJournal } from '../database/queries/keep-errands.ts'
import { retryJobs } from '../database/queries/retry-jobs.ts'
import { listErrandsOfJob, type Errand } from '../database/repositories/errand-repository.ts'
import type { RetryChange } from '../domain/retry-plan.ts'
import { OrchError } from '../errors/orch-error.ts'
import { requireDead } from './change-jobs.ts'
import type { JobsDeps } from './jobs-deps.ts'
import { reliedFiles, type ReliedFile } from './relied-files.ts'
import type { NamedJob } from './resolve-job.ts'
import { requiredTables } from './table-watch.ts'

/** Where the new try takes over: before the named errand, or after the last one. */
export type RepairPoint = { readonly from: string } | 'end'

export interface Repair {
  readonly changes: readonly RetryChange[]
  /** The try whose errands are kept. */
  readonly keptTry: number
  readonly errands: number
  /** What the kept errands were bought for; null where the table of usage is missing. */
  readonly saved: ErrandsUsage | null
  readonly files: readonly ReliedFile[]
}

/**
 * Brings a dead job back with a journal that is not empty. Throws ORCH_CONFLICT for a job that is not dead or has
 * nothing to keep, ORCH_NOT_FOUND and ORCH_AMBIGUOUS for the errand.
 */
export async function repairJob(deps: JobsDeps, named: NamedJob, point: RepairPoint): Promise<Repair> {
  await deps.tables.require([...requiredTables, 'errands'], 'Keeping a part of the journal')
  requireDead(named)
  const { job, project, name } = named
  const { db } = deps.database
  const prefix = choosePrefix(await listErrandsOfJob(db, job.id), point, name)
  const [first] = prefix
  const last = prefix.at(-1)
  if (first === undefined || last === undefined) throw nothingToKeep(name)
  const saved = (await deps.tables.has('model_usage'))
    ? await readErrandsUsage(db, { jobId: job.id, try: last.try, lastOrdinal: last.ordinal })
    : null
  const keep: KeptJournal = {
    jobId: job.id,
    errands: prefix,
    lastFailure: await failureBefore(db, job.id, (await originTry(db, first)) ?? first.try),
    tasks: job.plan.tasks,
    hasTaskTable: await deps.tables.has('tasks'),
  }
  const hasEventTable = await deps.tables.has('job_events')
  const request = { projectId: job.projectId, targets: [job.id], putBack: [], ids: deps.ids, hasEventTable, keep }
  const changes = await retryJobs(deps.database, request)
  const files = await reliedFiles(prefix, deps.canReach(project.workspace) ? project.workspace : null)
  return { changes, keptTry: last.try, errands: prefix.length, saved, files }
}

/** The errands of one try that are over, from the first on, up to the point. */
function choosePrefix(errands: readonly Errand[], point: RepairPoint, name: string): readonly Errand[] {
  // What was observed once per job stands at place 0 and serves every try.
  const placed = errands.filter(({ ordinal }) => ordinal > 0)
  const named = point === 'end' ? null : findErrand(placed, point.from, name)
  const keptTry = named?.try ?? Math.max(0, ...placed.map((errand) => errand.try))
  const inOrder = placed.filter((errand) => errand.try === keptTry).toSorted((a, b) => a.ordinal - b.ordinal)
  const before = named === null ? inOrder : inOrder.filter(({ ordinal }) => ordinal < named.ordinal)
  const open = before.findIndex(({ status }) => status !== 'done' && status !== 'unknown_outcome')
  return open === -1 ? before : before.slice(0, open)
}

/** By its place in the latest try, or by the end of its id in any. */
function findErrand(errands: readonly Errand[], reference: string, name: string): Errand {
  const latestTry = Math.max(0, ...errands.map((errand) => errand.try))
  const byPlace = /^\d{1,6}$/.test(reference)
    ? errands.find((errand) => errand.try === latestTry && errand.ordinal === Number(reference))
    : undefined
  const bySuffix = /^[0-9a-f-]{4,}$/i.test(reference)
    ? errands.filter(({ id }) => id.endsWith(reference.toLowerCase()))
    : []
  const found = byPlace ?? bySuffix[0]
  if (found === undefined) {
    throw new OrchError('ORCH_NOT_FOUND', `${name} has no errand "${reference}"`, {
      hint: `Name it by its place or by the end of its id; \`orch jobs show ${name}\` lists both`,
    })
  }
  if (byPlace === undefined && bySuffix.length > 1) {
    throw new OrchError('ORCH_AMBIGUOUS', `"${reference}" fits ${bySuffix.length} errands of ${name}`, {
      hint: 'Give more characters of the id',
    })
  }
  return found
}

function nothingToKeep(name: string): OrchError {
  return new OrchError('ORCH_CONFLICT', `${name} has no finished errand before that point: there is nothing to keep`, {
    hint: `\`orch jobs retry ${name}\` begins again`,
  })
}
