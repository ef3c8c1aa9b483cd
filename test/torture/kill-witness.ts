/** What `kill-dag` knows besides the database's own word: the model server's log and the journal at each kill. */
import type { Database } from '../../src/database/connection.ts'

export interface SeenCall {
  /** `job-0001 call 2`. */
  readonly name: string
  readonly atMs: number
}

export class KillWitness {
  readonly calls: SeenCall[] = []
  /** When each call's answer was first seen committed. */
  readonly #committed = new Map<string, number>()
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Notes what the journal holds now; what is in it must never be asked for again. */
  async look(): Promise<void> {
    const rows = await this.#database.db
      .selectFrom('errands')
      .innerJoin('jobs', 'jobs.id', 'errands.job_id')
      .select(['jobs.key', 'errands.ended_at'])
      .where('errands.kind', '=', 'model')
      .where('errands.status', '=', 'done')
      .orderBy('jobs.key')
      .orderBy('errands.try')
      .orderBy('errands.ordinal')
      .execute()
    const turns = new Map<string, number>()
    for (const { key, ended_at: endedAt } of rows) {
      const turn = (turns.get(key) ?? 0) + 1
      turns.set(key, turn)
      const name = `${key} call ${turn}`
      if (!this.#committed.has(name) && endedAt !== null) this.#committed.set(name, endedAt)
    }
  }

  /** Calls that reached the server although their answer was committed. */
  boughtAgain(): readonly string[] {
    return this.calls.filter(({ name, atMs }) => atMs > (this.#committed.get(name) ?? Infinity)).map(({ name }) => name)
  }

  /** By job: calls beyond the first for the same place. */
  repeatedCalls(): ReadonlyMap<string, number> {
    const repeated = new Map<string, number>()
    const seen = new Set<string>()
    for (const { name } of this.calls) {
      const key = jobOf(name)
      if (seen.has(name)) repeated.set(key, (repeated.get(key) ?? 0) + 1)
      seen.add(name)
    }
    return repeated
  }

  callsByJob(): ReadonlyMap<string, number> {
    const calls = new Map<string, number>()
    for (const { name } of this.calls) calls.set(jobOf(name), (calls.get(jobOf(name)) ?? 0) + 1)
    return calls
  }
}

function jobOf(name: string): string {
  return name.slice(0, name.indexOf(' '))
}

export interface DatabaseVerdict {
  readonly states: Readonly<Record<string, number>>
  /** Jobs with another number of completed attempts than one. */
  readonly notOnce: number
  /** Model jobs that needed another try although nothing failed. */
  readonly tries: number
  /** By job: attempts that ended without an end of their own. */
  readonly interrupted: ReadonlyMap<string, number>
  /** By job: rows of the ledger. */
  readonly ledger: ReadonlyMap<string, number>
}

export async function judgeDatabase({ db }: Database): Promise<DatabaseVerdict> {
  const jobs = await db.selectFrom('jobs').select(['id', 'key', 'state', 'try', 'executor']).execute()
  const attempts = await db.selectFrom('attempts').select(['job_id', 'outcome']).execute()
  const usage = await db.selectFrom('model_usage').select('job_id').execute()
  const keys = new Map(jobs.map(({ id, key }) => [id, key]))
  const count = (ids: readonly (string | null)[]) => {
    const counts = new Map<string, number>()
    for (const id of ids) {
      const key = keys.get(id ?? '') ?? 'unknown'
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return counts
  }
  const withOutcome = (outcome: string) =>
    count(attempts.flatMap((one) => (one.outcome === outcome ? [one.job_id] : [])))
  const completed = withOutcome('completed')
  const states: Record<string, number> = {}
  for (const { state } of jobs) states[state] = (states[state] ?? 0) + 1
  return {
    states,
    notOnce: jobs.filter(({ key }) => completed.get(key) !== 1).length,
    tries: jobs.filter((job) => job.executor !== 'command' && job.try > 1).length,
    interrupted: withOutcome('released'),
    ledger: count(usage.map((row) => row.job_id)),
  }
}

export interface Handover {
  readonly pid: number
  readonly rescuedAtMs: number
  /** When the job's next attempt started. */
  readonly againAtMs: number
}

/** Attempts whose scheduler is gone and that another one took over. */
export async function readHandovers({ db }: Database): Promise<readonly Handover[]> {
  const rows = await db
    .selectFrom('attempts as lost')
    .innerJoin('attempts as next', (join) =>
      join.onRef('next.job_id', '=', 'lost.job_id').on((eb) => eb('next.number', '=', eb('lost.number', '+', 1))),
    )
    .innerJoin('scheduler_instances as owner', 'owner.id', 'lost.scheduler_id')
    .select(['owner.pid', 'lost.ended_at', 'next.started_at'])
    .where('lost.outcome', '=', 'released')
    .execute()
  return rows.flatMap(({ pid, ended_at: endedAt, started_at: startedAt }) =>
    endedAt === null ? [] : [{ pid, rescuedAtMs: endedAt, againAtMs: startedAt }],
  )
}
