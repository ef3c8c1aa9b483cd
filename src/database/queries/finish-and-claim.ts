/** The busy scheduler's one transaction: end what is over and take what comes next, in one commit. */
import type { Database } from '../connection.ts'
import { claimInside, type ClaimedJob, type ClaimRequest } from './claim.ts'
import { finishInside, type FinishedAttempt, type FinishOptions, type FinishReport } from './finish.ts'

export interface FinishedAndClaimed {
  readonly reports: readonly FinishReport[]
  readonly claimed: readonly ClaimedJob[]
  /** Heads were passed over and places are left. */
  readonly maybeMore: boolean
}

/** Ends attempts, then claims, so that what they released can be claimed at once. Both happen or neither. */
export async function finishAndClaim(
  database: Database,
  ending: { readonly finishes: readonly FinishedAttempt[]; readonly options: FinishOptions },
  request: ClaimRequest,
): Promise<FinishedAndClaimed> {
  return database.write(async (trx) => {
    const now = await database.dialect.now(trx)
    const reports = await finishInside(trx, ending.finishes, { ...ending.options, now })
    return { reports, ...(await claimInside(trx, database, { ...request, now })) }
  })
}
