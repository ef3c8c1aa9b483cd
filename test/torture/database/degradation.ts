/** Any set of tables missing: every command in this process, and the real program as a user calls it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom, type Random } from '../../../src/runtime/random.ts'
import { complaintOf, DegradationScene } from '../../support/degradation/scene.ts'
import { everyTable } from '../../support/degradation/stage.ts'
import { chosenSubsets, randomSubset, type Breadth } from '../../support/degradation/subsets.ts'
import { runOrchProcess } from '../../support/run-orch.ts'
import { exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import type { DatabaseItem } from './item.ts'

interface Extent {
  /** Null where the suite of the promise has it in `npm test` already. */
  readonly inProcess: Breadth | null
  readonly programs: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { inProcess: null, programs: 4 },
  normal: { inProcess: { everyUpTo: 2 ** 5, singles: 4, random: 6 }, programs: 200 },
  full: { inProcess: { everyUpTo: 2 ** 16, singles: 17, random: 4096 }, programs: 1000 },
}

/** Processes at once; each has a stage of its own. */
const lanes = 2

export const degradation: DatabaseItem = {
  numbers: [20],
  name: 'degradation',
  promise: 'with any set of tables missing every command works or names what is off and the next command',
  run: async (scene, size) => {
    const { inProcess, programs } = extents[size]
    const scenes: DegradationScene[] = []
    try {
      for (let lane = 0; lane < lanes; lane++) scenes.push(await openScene(scene, lane))
      const [first] = scenes
      return [
        ...(inProcess === null || first === undefined ? [] : await callInProcess(scene, first, inProcess)),
        ...(await callPrograms(scene, scenes, programs)),
      ]
    } finally {
      for (const one of scenes) await one.stage.close()
    }
  },
}

async function openScene(scene: Scene, lane: number): Promise<DegradationScene> {
  const { url, schema } = await scene.open()
  const cwd = join(scene.cwd, `lane-${lane}`)
  mkdirSync(cwd)
  return DegradationScene.open({ url, schema, cwd })
}

async function callInProcess(
  { seed, report }: Scene,
  stage: DegradationScene,
  breadth: Breadth,
): Promise<readonly Figure[]> {
  const random = seededRandom(seed)
  let made = 0
  let wrong = 0
  for (const call of stage.calls) {
    for (const missing of chosenSubsets(call.use, breadth, random)) {
      const complaint = await stage.complaint(call, missing)
      if (complaint !== null) report(`${complaint}\n`)
      made += 1
      wrong += complaint === null ? 0 : 1
    }
  }
  return [noted('calls in process without some of their tables', made), exactly('of them broken', wrong, 0)]
}

async function callPrograms(
  { seed, report }: Scene,
  stages: readonly DegradationScene[],
  programs: number,
): Promise<readonly Figure[]> {
  const random = seededRandom(seed + 1)
  let left = programs
  let wrong = 0
  const work = async (stage: DegradationScene) => {
    while (left > 0) {
      left -= 1
      const complaint = await callProgram(stage, random)
      if (complaint !== null) report(`${complaint}\n`)
      wrong += complaint === null ? 0 : 1
    }
  }
  await Promise.all(stages.map(work))
  return [noted('calls of the program without any of the tables', programs), exactly('programs broken', wrong, 0)]
}

async function callProgram(scene: DegradationScene, random: Random): Promise<string | null> {
  const call = scene.calls[Math.floor(random.next() * scene.calls.length)]
  if (call === undefined) return null
  const missing = randomSubset(everyTable, random)
  const usual = await scene.usual(call)
  const { stage } = scene
  await stage.set(missing)
  const { url, schema, cwd } = stage.place
  const env: Record<string, string> = schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }
  const deed = await runOrchProcess([...call.path.split(' '), ...call.words, '--db', url], { cwd, env })
  return complaintOf(call, { missing, usual, deed })
}
