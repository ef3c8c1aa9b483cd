import type { ClaimLimits, ClaimRequest } from '../database/queries/claim.ts'
import type { SharedFacts } from '../database/queries/readiness-conditions.ts'
import { isLimited, LimitRoom } from '../domain/job-limits.ts'
import type { Clock } from '../runtime/clock.ts'
import { limitsInside, readStanding, standingFacts, type Standing, type StandingDeps } from './standing.ts'

const freshMs = 1000
/** What projects have spent is a sum over their calls: asked less often. */
const spendingFreshMs = 5000

/** What limits, closes or exhausts, at most a second old: the part of readiness that is not in a job's own row. */
export class StandingWatch {
  readonly #deps: StandingDeps & { readonly clock: Clock }
  #standing: Standing | null = null
  #readAt = Number.NEGATIVE_INFINITY
  #spendingReadAt = Number.NEGATIVE_INFINITY

  constructor(deps: StandingDeps & { readonly clock: Clock }) {
    this.#deps = deps
  }

  /** What a claim must keep to; empty where nothing is limited, cooling down or exhausted: then it costs nothing. */
  async forClaim(): Promise<Pick<ClaimRequest, 'limits'> & Pick<ClaimRequest['facts'], 'shared'>> {
    const standing = await this.#look()
    const limits = isLimited(standing.limits) ? this.#limits(standing) : undefined
    const closed = standing.cooldowns.length + standing.exhaustedProjects.length > 0
    return {
      ...(limits === undefined ? {} : { limits }),
      ...(limits !== undefined || closed ? { shared: standingFacts(this.#deps.database, standing) } : {}),
    }
  }

  /** What would still be closed after so long, with nothing running: limits of 0, long cooldowns, spent budgets. */
  async untilThen(withinMs: number): Promise<SharedFacts> {
    const standing = await this.#look()
    const atMs = (await this.#deps.database.now()) + withinMs
    const cooldowns = standing.cooldowns.filter(({ untilMs }) => untilMs > atMs)
    const shared = standingFacts(this.#deps.database, { ...standing, cooldowns })
    return { ...shared, full: new LimitRoom(standing.limits).full() }
  }

  #limits(standing: Standing): ClaimLimits {
    const { limits, pins, hasReservations } = standing
    return { limits, pins, hasReservations, inside: (trx) => limitsInside(trx, standing, this.#deps.shared) }
  }

  async #look(): Promise<Standing> {
    const now = this.#deps.clock.monotonic()
    if (this.#standing !== null && now - this.#readAt < freshMs) return this.#standing
    const spendingIsFresh = now - this.#spendingReadAt < spendingFreshMs
    const known = spendingIsFresh ? this.#standing : null
    this.#standing = await readStanding(this.#deps, known)
    this.#readAt = now
    if (known === null) this.#spendingReadAt = now
    return this.#standing
  }
}
