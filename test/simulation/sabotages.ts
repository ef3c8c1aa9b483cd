/** Broken schedulers: what one would have written wrong is written after its step. The model must notice each. */
import type { Database } from '../../src/database/connection.ts'
import type { SeenJob } from './snapshot.ts'
import type { Sabotage } from './world.ts'

export interface NamedSabotage {
  readonly breaks: Sabotage
  /** What the fault must say. */
  readonly says: RegExp
}

function set({ db }: Database, id: string, change: Record<string, unknown>): Promise<unknown> {
  return db.updateTable('jobs').set(change).where('id', '=', id).execute()
}

/** The job as it was before the step, for one that changed in it. */
function moved(before: readonly SeenJob[], after: readonly SeenJob[], to: SeenJob['state']) {
  return after.flatMap((job) => {
    const old = before.find(({ id }) => id === job.id)
    return job.state === to && old !== undefined && old.state !== to ? [{ job, old }] : []
  })
}

export const sabotages: Readonly<Record<string, NamedSabotage>> = {
  'releases a dependant twice': {
    says: /has blocked_by|has state ready, the model says blocked|could start|started before/,
    breaks: async (database, before, after) => {
      if (moved(before.jobs, after.jobs, 'completed').length === 0) return
      const waiting = after.jobs.find(({ state, blocked_by }) => state === 'blocked' && blocked_by > 1)
      if (waiting !== undefined) await set(database, waiting.id, { blocked_by: waiting.blocked_by - 1 })
    },
  },
  'starts a job before its dependencies completed': {
    says: /has state ready, the model says blocked/,
    breaks: async (database, _before, after) => {
      const waiting = after.jobs.find(({ state }) => state === 'blocked')
      if (waiting !== undefined) await set(database, waiting.id, { state: 'ready', ready_at: 1 })
    },
  },
  'charges a try for a rescue': {
    says: /has try/,
    breaks: async (database, before, after) => {
      for (const { job, old } of moved(before.jobs, after.jobs, 'ready')) {
        if (old.state === 'running' && job.interruptions > 0) await set(database, job.id, { try: job.try + 1 })
      }
    },
  },
  'forgets to skip what is behind a dead job': {
    says: /has state blocked, the model says skipped/,
    breaks: async (database, before, after) => {
      const [last] = moved(before.jobs, after.jobs, 'skipped').toReversed()
      if (last !== undefined) await set(database, last.job.id, { state: 'blocked' })
    },
  },
  'lets a stale attempt end its job': {
    says: /has state completed, the model says ready/,
    breaks: async (database, before, after) => {
      for (const { job, old } of moved(before.jobs, after.jobs, 'ready')) {
        if (old.state === 'running') await set(database, job.id, { state: 'completed' })
      }
    },
  },
  'names no cause for a skip': {
    says: /is skipped because of nothing/,
    breaks: async (database, before, after) => {
      for (const { job } of moved(before.jobs, after.jobs, 'skipped'))
        await set(database, job.id, { skipped_because: null })
    },
  },
  'passes over the job whose turn it is': {
    says: /whose turn it was|could start/,
    breaks: async ({ db }) => {
      // Everything looks equally urgent, and the last one in the plan became ready first.
      await db.updateTable('jobs').set({ effective_priority: 0, path_length: 1 }).execute()
    },
  },
  'uses the number of an attempt again': {
    says: /has attempt/,
    breaks: async (database, before, after) => {
      for (const { job, old } of moved(before.jobs, after.jobs, 'ready')) {
        if (old.state === 'running') await set(database, job.id, { attempt: job.attempt - 1 })
      }
    },
  },
  'leaves an attempt open': {
    says: /has open attempts/,
    breaks: async ({ db }, before, after) => {
      for (const { job } of moved(before.jobs, after.jobs, 'completed')) {
        await db.updateTable('attempts').set({ ended_at: null }).where('job_id', '=', job.id).execute()
      }
    },
  },
}
