import { sql } from 'kysely'
import type { Db } from '../dialect/dialect.ts'

export interface OwnedJob {
  readonly owner: string
  /** `<project>/<key>`, or the key alone where the project's row is gone. */
  readonly name: string
  readonly leaseExpiresAt: number | null
}

/** Every running job with the scheduler that runs it, by name. */
export async function readRunningByOwner(db: Db): Promise<OwnedJob[]> {
  const rows = await db
    .selectFrom('jobs')
    .leftJoin('projects', 'projects.id', 'jobs.project_id')
    .select(['jobs.lease_owner', 'jobs.lease_expires_at', 'jobs.key', 'projects.slug'])
    .where('jobs.state', '=', sql.lit('running'))
    .orderBy('projects.slug')
    .orderBy('jobs.key')
    .execute()
  return rows.flatMap(({ lease_owner: owner, lease_expires_at: leaseExpiresAt, key, slug }) =>
    owner === null ? [] : [{ owner, name: slug === null ? key : `${slug}/${key}`, leaseExpiresAt }],
  )
}
