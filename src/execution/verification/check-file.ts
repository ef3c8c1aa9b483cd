import type { Evidence } from '../../domain/job.ts'
import type { Check } from '../../domain/plan.ts'
import { errorMessage } from '../../errors/orch-error.ts'
import type { Workspace } from '../../workspace/workspace.ts'
import type { Baseline } from './baseline.ts'

/** A file exists, is new or changed since before the job, and contains a text. */
export async function checkFile(
  workspace: Workspace,
  check: Extract<Check, { check: 'file' }>,
  baseline: Baseline,
): Promise<Evidence> {
  const fault = await faultOf(workspace, check, baseline).catch(errorMessage)
  const wanted = check.contains === null ? '' : ` and contains ${JSON.stringify(shorten(check.contains))}`
  const found = fault ?? `${check.path} exists${check.changed ? ', is new or changed' : ''}${wanted}`
  return { id: check.id, check: 'file', passed: fault === null, found }
}

async function faultOf(
  workspace: Workspace,
  { path, changed, contains }: Extract<Check, { check: 'file' }>,
  baseline: Baseline,
): Promise<string | null> {
  const stat = await workspace.stat(path)
  if (stat === null) return `${path} does not exist`
  if (stat.kind !== 'file') return `${path} is a ${stat.kind}, not a file`
  const sha256 = await workspace.hash(path)
  if (changed && baseline[workspace.normalize(path)]?.sha256 === sha256) {
    return `${path} is unchanged since before the job`
  }
  if (contains === null) return null
  const text = (await workspace.readBytes(path)).toString('utf8')
  return text.includes(contains) ? null : `${path} does not contain ${JSON.stringify(shorten(contains))}`
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}
