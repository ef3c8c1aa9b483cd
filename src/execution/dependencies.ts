import { readDependencyResults, type DependencyResult } from '../database/queries/dependency-results.ts'
import type { AttemptScene } from './attempt-scene.ts'
import { patiently } from './patience.ts'

/** What the direct dependencies handed over; nothing where the table is missing. */
export async function readDependencies({ deps, attempt }: AttemptScene): Promise<readonly DependencyResult[]> {
  const { calls } = deps
  const missing = await calls.tables.missing(['job_dependencies', 'jobs'])
  if (missing.length > 0) return []
  return patiently(calls, attempt.signal, () => readDependencyResults(calls.database.db, attempt.job.id))
}
