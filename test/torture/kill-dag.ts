/**
 * kill -9 of the real program during a DAG, again and again, at named crash points and at random instants. Looks at
 * the database and at the log of the model server, which is the only witness of what was paid for.
 */
import { crashPointNames, type CrashPointName } from '../../src/runtime/crash-point.ts'
import type { Database } from '../../src/database/connection.ts'
import { setHold } from '../../src/database/repositories/job-repository.ts'
import { startFakeModelServer } from '../support/fake-model-server.ts'
import {
  callName,
  callsOf,
  databaseEnvironment,
  killDagJobs,
  prepareKillDag,
  replyTo,
  type KillDagPlace,
} from './kill-dag-project.ts'
import { killDagFigures } from './kill-dag-figures.ts'
import { frequentPoints, KillTurns, pause } from './kill-turns.ts'
import { judgeDatabase, KillWitness, readHandovers } from './kill-witness.ts'
import type { Figure, Scene, Size, TortureLine } from './line.ts'
import { Runner } from './runner.ts'

export interface KillDagExtent {
  readonly jobs: number
  readonly kills: number
  readonly lanes: number
  readonly points: readonly CrashPointName[]
  /** Lease of the runner that dies on what looks like another host. */
  readonly foreignLeaseMs: number
}

const extents: Readonly<Record<Size, KillDagExtent>> = {
  short: { jobs: 40, kills: 4, lanes: 2, points: frequentPoints, foreignLeaseMs: 2000 },
  normal: { jobs: 2000, kills: 150, lanes: 4, points: crashPointNames, foreignLeaseMs: 20_000 },
  full: { jobs: 2000, kills: 1000, lanes: 4, points: crashPointNames, foreignLeaseMs: 20_000 },
}

export const killDag: TortureLine = {
  name: 'kill-dag',
  promise: 'kill -9 at any instant: no job lost, none completed twice, nothing committed is bought again',
  run: (scene, size) => runKillDag(scene, size),
}

/** Answers come at once while the jobs are behind the kills, and slowly while they are ahead of them. */
const quickMs = 5
const slowMs = 120

async function runKillDag(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const extent = extents[size]
  const jobs = killDagJobs(extent.jobs, scene.seed)
  const opened = await scene.open()
  const witness = new KillWitness(opened.database)
  let progress = () => 1
  const server = await startFakeModelServer({
    respond: (request) => {
      witness.calls.push({ name: callName(request), atMs: Date.now() })
      return replyTo(request, witness.calls.length / callsOf(jobs) > progress() ? slowMs : quickMs)
    },
  })
  const place: KillDagPlace = { ...opened, cwd: scene.cwd, modelServerUrl: server.url }
  let quarantined = 0
  const onKill = async () => {
    await witness.look()
    quarantined += await releaseQuarantined(opened.database)
  }
  const turns = new KillTurns({ ...extent, cwd: scene.cwd, env: databaseEnvironment(opened), seed: scene.seed, onKill })
  progress = () => turns.kills / extent.kills
  try {
    await prepareKillDag(place, jobs)
    const foreign = await dieElsewhere(place, extent)
    await turns.play(() => true)
    const end = await runToTheEnd(place, quarantined)
    await witness.look()
    const verdict = await judgeDatabase(opened.database)
    const handovers = await readHandovers(opened.database)
    return killDagFigures({ size, extent, turns, foreign, witness, verdict, handovers, end })
  } finally {
    for (const runner of turns.runners) if (runner.lives) await runner.kill()
    await server.close()
  }
}

/** A runner that the others take for one of another host dies with work in hand: only its lease tells. */
async function dieElsewhere(place: KillDagPlace, { foreignLeaseMs }: KillDagExtent): Promise<Runner> {
  const env = { ...databaseEnvironment(place), ORCH_LIMITS_LEASE_MS: String(foreignLeaseMs) }
  const runner = new Runner({ cwd: place.cwd, env, crashPoint: { name: 'after-errand-start', passage: 6 } })
  try {
    await Promise.race([runner.ended, pause(60_000)])
    if (!runner.wasKilled || runner.child.pid === undefined) throw new Error(`The foreign runner: ${runner.stderr}`)
    // Before anyone who could judge its process has started.
    await place.database.db
      .updateTable('scheduler_instances')
      .set({ host: 'elsewhere', boot_id: 'another boot' })
      .where('pid', '=', runner.child.pid)
      .execute()
    return runner
  } finally {
    if (runner.lives) await runner.kill()
  }
}

export interface KillDagEnd {
  readonly exitCode: number | null
  /** Jobs that three interruptions in a row put aside, and that were released by hand. */
  readonly quarantined: number
}

const longestEndMs = 120_000

/** One more run to the end; what is quarantined is let go as an operator would. */
async function runToTheEnd(place: KillDagPlace, quarantinedBefore: number): Promise<KillDagEnd> {
  let quarantined = quarantinedBefore
  for (let round = 0; ; round += 1) {
    const flags = ['--until-idle', '--max-wait', '60s']
    const runner = new Runner({ cwd: place.cwd, env: databaseEnvironment(place), flags })
    try {
      await Promise.race([runner.ended, pause(longestEndMs)])
    } finally {
      if (runner.lives) await runner.kill()
    }
    const released = await releaseQuarantined(place.database)
    quarantined += released
    if (released === 0 || round === 3) return { exitCode: runner.child.exitCode, quarantined }
  }
}

/** Three interruptions in a row put a job aside until a person looks; here every interruption is known to be a kill. */
async function releaseQuarantined(database: Database): Promise<number> {
  const held = await database.db.selectFrom('jobs').select('id').where('hold', '=', 'quarantine').execute()
  if (held.length === 0) return 0
  await database.write(async (trx) => {
    for (const { id } of held) await setHold(trx, id, { hold: null, reason: null, at: Date.now() })
  })
  return held.length
}
