import { readDependencyResults, type DependencyResult } from '../database/queries/dependency-results.ts'
import type { AttemptScene } from './attempt-scene.ts'

/** What the direct dependencies handed over; nothing where the table is missing. */
export async function readDependencies({ deps, attempt }: AttemptScene): Promise<readonly DependencyResult[]> {
  const { database, tables } = deps.calls
  const missing = await tables.missing(['job_dependencies', 'jobs'])
  return missing.length > 0 ? [] : readDependencyResults(database.db, attempt.job.id)
}
