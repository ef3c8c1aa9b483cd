import { openSimulated } from '../simulation/open-simulated.ts'
import type { DagModelRunnerInput } from './dag-model-runner.ts'
import { playSeeds, replayEvery, type Seeds, type SeedsFound } from './dag-model-seeds.ts'
import { atLeast, exactly, noted, type Engine, type Figure, type Scene, type Size, type TortureLine } from './line.ts'
import { ScriptProcess, withScript } from './scripts.ts'

/** Plans and lives; on a server every statement is a round trip. */
const counts: Readonly<Record<Engine, Readonly<Record<Size, number>>>> = {
  SQLite: { short: 15, normal: 10_000, full: 60_000 },
  Postgres: { short: 3, normal: 500, full: 3000 },
}
const largest: Readonly<Record<Size, number>> = { short: 12, normal: 30, full: 60 }
/** Seeds have nothing to do with each other: one process per core, each with a database of its own. */
const players = 2

/** Generated plans under crashes, lost acknowledgements, jumping clocks and people, against the reference model. */
export const dagModel: TortureLine = {
  name: 'dag-model',
  promise:
    'never starts a job before its dependencies, releases each once, ends every run, and on SQLite does all of it again for the same seed',
  run: async (scene, size) => {
    const count = counts[scene.engine][size]
    // On a server the race of passes side by side is decided by its processes and not by the seed.
    const replays = scene.engine === 'SQLite'
    const seeds = { first: scene.seed * 1_000_000, count, largest: largest[size], replays }
    const found = size === 'short' ? [await playHere(scene, seeds)] : await playTogether(scene, seeds)
    return [...figures(count, found), ...(replays ? replayFigures(count, found) : [])]
  },
}

type AllSeeds = Omit<Seeds, 'player' | 'players'>

async function playHere(scene: Scene, seeds: AllSeeds): Promise<SeedsFound> {
  const database = scene.engine === 'SQLite' ? await openSimulated() : (await scene.open()).database
  try {
    return await playSeeds(database, { ...seeds, player: 0, players: 1 })
  } finally {
    if (scene.engine === 'SQLite') await database.close()
  }
}

function playTogether(scene: Scene, seeds: AllSeeds): Promise<readonly SeedsFound[]> {
  return withScript('dag-model-runner', async (script) => {
    const processes: ScriptProcess[] = []
    for (let player = 0; player < players; player++) {
      const opened = scene.engine === 'SQLite' ? null : await scene.open()
      const server = opened === null ? null : { url: opened.url, schema: opened.schema }
      const input: DagModelRunnerInput = { seeds: { ...seeds, player, players }, server }
      processes.push(new ScriptProcess(script, input))
    }
    for (const one of processes) {
      await one.ready()
      one.go()
    }
    return Promise.all(processes.map((one) => one.result<SeedsFound>()))
  })
}

function figures(count: number, found: readonly SeedsFound[]): readonly Figure[] {
  const faults = found.flatMap((one) => one.faults)
  return [
    noted('generated DAGs', count),
    noted(
      'things that happened',
      sum(found, (one) => one.entries),
    ),
    exactly('DAGs that the model could not explain', faults.length, 0),
    ...faults.slice(0, 10).map((seed) => ({ name: 'seed', value: seed, bound: 'none', pass: false })),
  ]
}

function replayFigures(count: number, found: readonly SeedsFound[]): readonly Figure[] {
  return [
    atLeast(
      'seeds played twice',
      sum(found, (one) => one.replays),
      { limit: Math.floor(count / replayEvery) },
    ),
    exactly(
      'replays that went another way',
      sum(found, (one) => one.diverged),
      0,
    ),
  ]
}

function sum(found: readonly SeedsFound[], of: (one: SeedsFound) => number): number {
  return found.reduce((total, one) => total + of(one), 0)
}
