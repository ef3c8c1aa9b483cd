/**
 * Limits over several schedulers that are killed at random. The model server is the witness of what ran at once; the
 * database says how long a killed runner kept a place.
 */
import { seededRandom } from '../../src/runtime/random.ts'
import { startFakeModelServer, type FakeRequest } from '../support/fake-model-server.ts'
import { databaseEnvironment, prepareKillDag, type KillDagJob, type KillDagPlace } from './kill-dag-project.ts'
import { capCost } from './cap-cost.ts'
import { frequentPoints, KillTurns, pause } from './kill-turns.ts'
import { PlaceWatch } from './place-watch.ts'
import { atMost, exactly, noted, type Figure, type Scene, type Size, type TortureLine } from './line.ts'
import { Runner } from './runner.ts'

interface Extent {
  readonly jobs: number
  readonly kills: number
  readonly lanes: number
  /** Jobs of each measurement of what a cap costs. */
  readonly costJobs: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { jobs: 16, kills: 1, lanes: 2, costJobs: 40 },
  normal: { jobs: 800, kills: 60, lanes: 4, costJobs: 2000 },
  full: { jobs: 4000, kills: 300, lanes: 4, costJobs: 10_000 },
}

/** The keys that are watched, and how much of each may be in use at once. */
const caps = {
  jobs: 6,
  'role writer': 3,
  'provider fake': 5,
  'model fake/one': 2,
  'lock port': 1,
} as const
type Cap = keyof typeof caps

const leaseMs = 4000
const latencyMs = 25

export const exactLimits: TortureLine = {
  name: 'exact-limits',
  promise: 'limits on jobs, role, provider, model and a named lock hold exactly over all schedulers, killed ones too',
  run: (scene, size) => runExactLimits(scene, size),
}

async function runExactLimits(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const extent = extents[size]
  const jobs = limitedJobs(extent.jobs, scene.seed)
  const opened = await scene.open()
  const server = await startFakeModelServer({
    models: ['one', 'two', 'three'],
    groupsOf: (request) => groupsOf(request, jobs),
    respond: () => ({ text: 'done', latencyMs, usage: { inputTokens: 10, outputTokens: 1 } }),
  })
  const place: KillDagPlace = { ...opened, cwd: scene.cwd, modelServerUrl: server.url }
  const env = { ...databaseEnvironment(opened), ORCH_LIMITS_LEASE_MS: String(leaseMs) }
  const turns = new KillTurns({
    ...extent,
    points: frequentPoints,
    cwd: scene.cwd,
    env,
    seed: scene.seed,
    onKill: async () => {},
  })
  const finishers: Runner[] = []
  const watch = new PlaceWatch(opened.database, () => [...turns.runners, ...finishers])
  try {
    await prepareKillDag(place, jobs)
    await setLimits(place)
    watch.start()
    const busy = async () => (await watch.open()) > 0
    let goOn = true
    const ended = turns.play(() => goOn).then(() => (goOn = false))
    while (goOn && (await busy())) await Promise.race([ended, pause(200)])
    goOn = false
    await ended
    const left = await finish(place, { env, lanes: extent.lanes, watch, runners: finishers })
    return [
      noted('runners killed', `${turns.kills} of ${turns.runners.length}`),
      ...(Object.keys(caps) as Cap[]).map((cap) =>
        atMost(`${cap}: most calls at once`, server.peaks().get(cap) ?? 0, { limit: caps[cap] }),
      ),
      atMost('jobs: most rows running at once', watch.mostRunning, { limit: caps.jobs }),
      atMost('writers: most rows running at once', watch.mostWriters, { limit: caps['role writer'] }),
      placeFigure(size, watch.longestKeptMs),
      exactly('jobs not completed', left, 0),
      ...(await capCost(scene, extent.costJobs)),
    ]
  } finally {
    await watch.stop()
    for (const runner of turns.runners) if (runner.lives) await runner.kill()
    await server.close()
  }
}

/** Beside other tests nothing is said about time. */
function placeFigure(size: Size, longestKeptMs: number): Figure {
  const name = 'place of a killed runner kept for'
  return size === 'short'
    ? noted(name, longestKeptMs)
    : atMost(name, longestKeptMs, { limit: leaseMs + 1000, unit: 'ms' })
}

/** Independent calls of three models, a third of them by writers, some of which need the one port. */
function limitedJobs(count: number, seed: number): readonly KillDagJob[] {
  const random = seededRandom(seed)
  const pick = <T>(items: readonly T[]) => items[Math.floor(random.next() * items.length)]
  return Array.from({ length: count }, (_, index) => {
    const key = `job-${String(index).padStart(4, '0')}`
    return {
      key,
      description: `Marker <${key}>.`,
      executor: 'llm' as const,
      role: pick(['writer', 'engineer', 'engineer']) ?? 'writer',
      model: `fake/${pick(['one', 'two', 'three']) ?? 'one'}`,
      locks: random.next() < 0.2 ? ['port'] : [],
    }
  })
}

function groupsOf({ prompt, model }: FakeRequest, jobs: readonly KillDagJob[]): readonly string[] {
  const job = jobs[Number(/Marker <job-(\d+)>/.exec(prompt)?.[1] ?? -1)]
  const groups: Cap[] = ['jobs', 'provider fake']
  if (model === 'one') groups.push('model fake/one')
  if (job?.role === 'writer') groups.push('role writer')
  if (job?.locks?.includes('port') === true) groups.push('lock port')
  return groups
}

async function setLimits({ database }: KillDagPlace): Promise<void> {
  const rows = [
    { key: 'limits.jobs', value: String(caps.jobs) },
    { key: 'limits.roles', value: JSON.stringify([`writer=${caps['role writer']}`]) },
    { key: 'limits.models', value: JSON.stringify([`fake/one=${caps['model fake/one']}`]) },
  ]
  await database.db
    .insertInto('orchestrator_config')
    .values(rows.map((row) => ({ ...row, updated_at: 1 })))
    .execute()
  await database.db.updateTable('provider_config').set({ max_concurrency: caps['provider fake'] }).execute()
}

interface Finishing {
  readonly env: Readonly<Record<string, string>>
  readonly lanes: number
  readonly watch: PlaceWatch
  /** Filled with those that are started here. */
  readonly runners: Runner[]
}

const longestEndMs = 100_000

/** All lanes run to the end; what three interruptions put aside is let go. Returns how many jobs did not complete. */
async function finish({ cwd, database }: KillDagPlace, { env, lanes, watch, runners }: Finishing): Promise<number> {
  runners.push(...Array.from({ length: lanes }, () => new Runner({ cwd, env })))
  const giveUpAt = Date.now() + longestEndMs
  try {
    for (let open = await watch.open(); open > 0 && Date.now() < giveUpAt; open = await watch.open()) {
      await database.db
        .updateTable('jobs')
        .set({ hold: null, hold_reason: null, interruptions: 0 })
        .where('hold', '=', 'quarantine')
        .execute()
      await pause(200)
    }
  } finally {
    for (const runner of runners) runner.child.kill('SIGTERM')
    await Promise.race([Promise.all(runners.map(({ ended }) => ended)), pause(10_000)])
    for (const runner of runners) if (runner.lives) await runner.kill()
  }
  const row = await database.db
    .selectFrom('jobs')
    .select((eb) => eb.fn.countAll<number>().as('jobs'))
    .where('state', '<>', 'completed')
    .executeTakeFirstOrThrow()
  return Number(row.jobs)
}
