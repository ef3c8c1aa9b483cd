import type { Database } from '../../src/database/connection.ts'
import { runScript } from '../simulation/run-script.ts'
import { scriptOf } from '../simulation/script.ts'

/** Every so many seeds is played twice, to the same trace. */
export const replayEvery = 10
/** Jobs in the largest plan of three seeds of four: small plans go wrong as well and cost less. */
const smallPlan = 12

export interface Seeds {
  readonly first: number
  readonly count: number
  /** One of so many players: it takes every so-manieth seed. */
  readonly player: number
  readonly players: number
  /** Jobs in the largest plan of every fourth seed. */
  readonly largest: number
  /**
   * Whether some are played twice. On a server passes side by side race in its processes, which no seed decides: there a
   * trace need not come again, and only what the model says of each is judged.
   */
  readonly replays: boolean
}

export interface SeedsFound {
  /** Seeds the model could not explain, each with its first fault. */
  readonly faults: readonly string[]
  readonly replays: number
  readonly diverged: number
  /** Entries of all traces. */
  readonly entries: number
}

/** Plays a player's share of the seeds, one after the other, on one database. */
export async function playSeeds(database: Database, seeds: Seeds): Promise<SeedsFound> {
  const found = { faults: [] as string[], replays: 0, diverged: 0, entries: 0 }
  for (let index = seeds.player; index < seeds.count; index += seeds.players) {
    const seed = seeds.first + index
    const most = seed % 4 === 0 ? seeds.largest : smallPlan
    const script = scriptOf(seed, most)
    const { faults, hash, entries } = await runScript(script, database)
    found.entries += entries
    if (faults.length > 0) found.faults.push(`scriptOf(${seed}, ${most}): ${faults[0]}`)
    if (!seeds.replays || Math.floor(index / seeds.players) % replayEvery !== 0) continue
    found.replays += 1
    if ((await runScript(script, database)).hash !== hash) found.diverged += 1
  }
  return found
}
