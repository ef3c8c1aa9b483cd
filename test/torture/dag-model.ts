import { openSimulated } from '../simulation/open-simulated.ts'
import { runScript } from '../simulation/run-script.ts'
import { scriptOf } from '../simulation/script.ts'
import { atLeast, exactly, noted, type Engine, type Figure, type Size, type TortureLine } from './line.ts'

/** Plans and lives; on a server every statement is a round trip. */
const counts: Readonly<Record<Engine, Readonly<Record<Size, number>>>> = {
  SQLite: { short: 15, normal: 10_000, full: 60_000 },
  Postgres: { short: 3, normal: 500, full: 3000 },
}
/** Every so many is played twice, to the same trace. */
const replayEvery = 10
/** Jobs in the largest plan: of every fourth seed, because small plans go wrong as well and cost less. */
const largest: Readonly<Record<Size, number>> = { short: 12, normal: 30, full: 60 }
const smallPlan = 12

/** Generated plans under crashes, lost acknowledgements, jumping clocks and people, against the reference model. */
export const dagModel: TortureLine = {
  name: 'dag-model',
  promise:
    'never starts a job before its dependencies, releases each once, ends every run, and does all of it again for the same seed',
  run: async (scene, size) => {
    const database = scene.engine === 'SQLite' ? await openSimulated() : (await scene.open()).database
    try {
      const count = counts[scene.engine][size]
      const found = { seeds: [] as string[], replays: 0, diverged: 0, entries: 0 }
      for (let index = 0; index < count; index++) {
        const seed = scene.seed * 1_000_000 + index
        const most = seed % 4 === 0 ? largest[size] : smallPlan
        const script = scriptOf(seed, most)
        const { faults, hash, entries } = await runScript(script, database)
        found.entries += entries
        if (faults.length > 0) found.seeds.push(`scriptOf(${seed}, ${most}): ${faults[0]}`)
        if (index % replayEvery !== 0) continue
        found.replays += 1
        if ((await runScript(script, database)).hash !== hash) found.diverged += 1
      }
      return figures(count, found)
    } finally {
      if (scene.engine === 'SQLite') await database.close()
    }
  },
}

function figures(
  count: number,
  found: {
    readonly seeds: readonly string[]
    readonly replays: number
    readonly diverged: number
    readonly entries: number
  },
): readonly Figure[] {
  return [
    noted('generated DAGs', count),
    noted('things that happened', found.entries),
    exactly('DAGs that the model could not explain', found.seeds.length, 0),
    ...found.seeds.slice(0, 10).map((seed) => ({ name: 'seed', value: seed, bound: 'none', pass: false })),
    atLeast('seeds played twice', found.replays, { limit: Math.floor(count / replayEvery) }),
    exactly('replays that went another way', found.diverged, 0),
  ]
}
