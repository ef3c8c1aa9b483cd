import type { Database } from '../../src/database/connection.ts'
import { Play } from './acts.ts'
import type { Script } from './script.ts'
import { clear } from './snapshot.ts'
import { World, type Sabotage } from './world.ts'

export interface Run {
  /** SHA-256 of everything that happened. */
  readonly hash: string
  /** What the model could not explain; a run ends with its first. */
  readonly faults: readonly string[]
  /** The last entries of the trace, for people. */
  readonly tail: string
  readonly entries: number
}

const longestRounds = 150
/**
 * How time goes on while nothing happens: long enough at an ordinary pace for a lease to be judged, then
 * far enough for whatever waits for its time.
 */
const passesMs = [1000, 1000, 5000, 5000, 5000, 5000, 5000, 61_000, 5000, 5000, 5000, 5000, 5000, 9 * 3_600_000]
const mendingMs = 61_000

/** Plays a script on a migrated, empty database, which is empty again afterwards. */
export async function runScript(script: Script, database: Database, sabotage?: Sabotage): Promise<Run> {
  const world = new World({ script, database, sabotage })
  const play = new Play(world, script)
  try {
    await play.begin()
    for (const event of script.events) {
      if (world.faults.length > 0) break
      world.trace.add(world.clock.monotonic(), 'do', event)
      await play.play(event)
    }
    if (world.faults.length === 0) await playToTheEnd(world, play)
    const { tail, length } = world.trace
    return { faults: [...world.faults], tail, entries: length, hash: world.trace.digest() }
  } finally {
    await play.createTables()
    await clear(database)
  }
}

/** No more faults: everything gets where it can get, or something says why not. */
async function playToTheEnd(world: World, play: Play): Promise<void> {
  for (const slot of world.slots) {
    slot.view.disarm()
    await world.resume(slot)
  }
  await play.createTables()
  let quiet = 0
  for (let round = 0; unfinished(world).length > 0 && world.faults.length === 0; round++) {
    if (round === longestRounds) world.faults.push(`the run does not end: ${describeRows(world)}`)
    const before = world.trace.length
    await play.round()
    // A pass is traced; rows and events come on top of that.
    quiet = world.trace.length - before > world.slots.length ? 0 : quiet + 1
    world.clock.pass(passesMs[quiet % passesMs.length] ?? 0)
  }
  if (world.faults.length > 0) return
  for (const passMs of [mendingMs, mendingMs]) {
    world.clock.pass(passMs)
    await play.round()
  }
  world.faults.push(...leftOver(world, await heldByLease(world)))
  if (world.faults.length > 0 || world.rows.locks.length === 0) return
  const leases = world.rows.jobs.map(({ lease_expires_at }) => lease_expires_at ?? 0)
  world.clock.pass(Math.max(0, ...leases) - world.clock.now() + mendingMs)
  await play.round()
  world.faults.push(...leftOver(world, new Set()))
}

/**
 * Jobs whose locks stay until their lease has passed by the database's clock, which may have been set back: a
 * cancelled worker whom nobody knows to be gone may not have noticed yet.
 */
async function heldByLease(world: World): Promise<ReadonlySet<string>> {
  const gone = await world.knownGone()
  const held = world.rows.jobs.filter(
    ({ lease_owner, lease_expires_at }) => (lease_expires_at ?? 0) > world.clock.now() && !gone.has(lease_owner ?? ''),
  )
  return new Set(held.map(({ id }) => id))
}

/** Jobs that are not over and have no reason to wait. */
function unfinished({ model }: World): readonly string[] {
  const isOver = (key: string) => !['blocked', 'ready', 'running'].includes(model.job(key).state)
  const isHeld = (key: string) => model.job(key).hold !== null && ['blocked', 'ready'].includes(model.job(key).state)
  const waits = (key: string): boolean => {
    if (model.job(key).state === 'running') return false
    return model.project !== 'active' || isHeld(key) || model.ancestors(key).some(isHeld)
  }
  return [...model.jobs.keys()].filter((key) => !isOver(key) && !waits(key))
}

function describeRows({ rows }: World): string {
  const open = rows.jobs.filter(({ state }) => ['blocked', 'ready', 'running'].includes(state))
  return JSON.stringify({ open, locks: rows.locks })
}

/** Nothing outlives the run: no lock but those of such jobs, no lease, no open attempt. */
function leftOver({ rows, workers }: World, excused: ReadonlySet<string>): readonly string[] {
  const leased = rows.jobs
    .filter((job) => job.lease_owner !== null && ['completed', 'failed'].includes(job.state))
    .map(({ key }) => key)
  return [
    ...rows.locks.filter(({ job_id }) => !excused.has(job_id)).map((lock) => `the lock ${lock.name} was left behind`),
    ...leased.map((key) => `a lease of ${key} was left behind`),
    ...workers.map(({ attempt }) => `attempt ${attempt.number} of ${attempt.job.key} still runs`),
  ]
}
