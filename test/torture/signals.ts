/** One to three stop signals of random kinds at random instants of small runs of the real program. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { seededRandom, type Random } from '../../src/runtime/random.ts'
import { stopSignals } from '../../src/runtime/signals.ts'
import { hermeticEnv, listensToSignals } from '../support/run-orch.ts'
import { startFakeModelServer } from '../support/fake-model-server.ts'
import { calibrate } from './calibrate.ts'
import {
  databaseEnvironment,
  orchDone,
  prepareKillDag,
  type KillDagJob,
  type KillDagPlace,
} from './kill-dag-project.ts'
import { pause } from './kill-turns.ts'
import { atMost, exactly, noted, type Figure, type Scene, type Size, type TortureLine } from './line.ts'

const bin = new URL('../../bin/orch.js', import.meta.url).pathname
const sizes: Readonly<Record<Size, { readonly trials: number; readonly lanes: number }>> = {
  short: { trials: 2, lanes: 1 },
  normal: { trials: 200, lanes: 4 },
  full: { trials: 1000, lanes: 4 },
}
/** A run that has not ended by then hangs. */
const longestTrialMs = 20_000
const modelLatencyMs = 120

export const signals: TortureLine = {
  name: 'signals',
  promise: 'signals at any instant: documented exit codes, no row left running, each signal answered in time',
  run: async (scene, size) => {
    const { trials, lanes } = sizes[size]
    const server = await startFakeModelServer({ respond: () => ({ text: 'done', latencyMs: modelLatencyMs }) })
    try {
      const perLane = Math.ceil(trials / lanes)
      const places = await prepareLanes(scene, { lanes, jobs: perLane * 12, modelServerUrl: server.url })
      const runs = places.map((place, lane) => runLane(place, perLane, seededRandom(scene.seed * 100 + lane)))
      const seen = (await Promise.all(runs)).flat()
      const left = await Promise.all(places.map(runToTheEnd))
      return figuresOf(seen, sum(left), size)
    } finally {
      await server.close()
    }
  },
}

interface Lanes {
  readonly lanes: number
  readonly jobs: number
  readonly modelServerUrl: string
}

/** A database per lane, so that every running row in it belongs to the one run that is looked at. */
async function prepareLanes(scene: Scene, { lanes, jobs, modelServerUrl }: Lanes): Promise<readonly KillDagPlace[]> {
  const places: KillDagPlace[] = []
  for (let lane = 0; lane < lanes; lane++) {
    const place = { ...(await scene.open()), cwd: scene.cwd, modelServerUrl }
    await prepareKillDag(place, smallJobs(jobs))
    places.push(place)
  }
  return places
}

/** Every third one is a program, the others are calls. */
function smallJobs(count: number): readonly KillDagJob[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `job-${String(index).padStart(4, '0')}`
    if (index % 3 !== 0) return { key, description: `Marker <${key}>.`, model: 'fake/fake-model' }
    return { key, model: null, role: null, executor: 'command', run: ['sleep', '0.2'], repeatable: true }
  })
}

interface Trial {
  readonly signals: number
  readonly exit: string
  /** From the last signal to the end of the process. */
  readonly endedAfterMs: number
  readonly leftRunning: number
  readonly claimedAfter100Ms: number
}

async function runLane(place: KillDagPlace, trials: number, random: Random): Promise<readonly Trial[]> {
  const seen: Trial[] = []
  for (let trial = 0; trial < trials; trial++) seen.push(await runTrial(place, random))
  return seen
}

async function runTrial(place: KillDagPlace, random: Random): Promise<Trial> {
  const child = startRun(place)
  const exit = once(child, 'exit')
  const limit = setTimeout(() => child.kill('SIGKILL'), longestTrialMs)
  try {
    await listensToSignals(child)
    await pause(random.next() * 1200)
    const count = 1 + Math.floor(random.next() * 3)
    const sent: number[] = []
    for (let signal = 0; signal < count; signal++) {
      if (signal > 0) await pause(random.next() * 300)
      sent.push(Date.now())
      child.kill(stopSignals[Math.floor(random.next() * stopSignals.length)])
    }
    const [code, name] = (await exit) as [number | null, NodeJS.Signals | null]
    const endedAfterMs = Date.now() - (sent.at(-1) ?? 0)
    return { signals: count, exit: `${name ?? code}`, endedAfterMs, ...(await lookAt(place, { pid: child.pid ?? 0, firstSignalMs: sent[0] ?? 0 })) }
  } finally {
    clearTimeout(limit)
  }
}

function startRun(place: KillDagPlace): ChildProcess {
  return spawn(process.execPath, [bin, 'jobs', 'run', '--json', '--concurrency', '3'], {
    cwd: place.cwd,
    env: hermeticEnv(place.cwd, databaseEnvironment(place)),
    stdio: ['ignore', 'ignore', 'ignore'],
  })
}

interface EndedRun {
  readonly pid: number
  readonly firstSignalMs: number
}

/** Its own rows only: what an earlier run left after three signals waits for one that lives long enough to rescue it. */
async function lookAt({ database: { db } }: KillDagPlace, { pid, firstSignalMs }: EndedRun) {
  const running = await db
    .selectFrom('jobs')
    .innerJoin('scheduler_instances', 'scheduler_instances.id', 'jobs.lease_owner')
    .select('jobs.id')
    .where('jobs.state', '=', 'running')
    .where('scheduler_instances.pid', '=', pid)
    .execute()
  const late = await db
    .selectFrom('attempts')
    .select('job_id')
    .where('started_at', '>', firstSignalMs + 100)
    .execute()
  return { leftRunning: running.length, claimedAfter100Ms: late.length }
}

/** A third signal may leave rows behind: they are what the next run takes over at once. Returns what is left then. */
async function runToTheEnd(place: KillDagPlace): Promise<number> {
  const { db } = place.database
  // Nothing new: only what was running is to be ended.
  await db.updateTable('jobs').set({ hold: 'person' }).where('state', '=', 'ready').execute()
  await orchDone(place, ['jobs', 'run', '--until-idle', '--max-wait', '0']).catch(() => {})
  return (await db.selectFrom('jobs').select('id').where('state', '=', 'running').execute()).length
}

function figuresOf(seen: readonly Trial[], leftAtEnd: number, size: Size): readonly Figure[] {
  const of = (count: number) => seen.filter(({ signals: sent }) => sent === count)
  const asked = seen.filter(({ signals: sent }) => sent < 3)
  const slowest = (trials: readonly Trial[]) => Math.max(0, ...trials.map(({ endedAfterMs }) => endedAfterMs))
  // A signal that comes first thing is answered when the program has started, and a busy machine starts slowly.
  const startMs = size === 'short' ? 0 : calibrate().nodeStartMs
  // In `npm test` nothing is judged by the clock of a machine that does other work.
  const inTime = (name: string, value: number, { limitMs, starts }: { limitMs: number; starts: number }) =>
    size === 'short'
      ? noted(name, value)
      : atMost(name, value, { limit: Math.max(limitMs, starts * startMs), unit: 'ms' })
  return [
    noted('runs', seen.length),
    exactly('ended otherwise than with 130', seen.filter(({ exit }) => exit !== '130').length, 0),
    exactly('rows left running after one or two signals', sum(asked.map(({ leftRunning }) => leftRunning)), 0),
    noted('rows left running after three', sum(of(3).map(({ leftRunning }) => leftRunning))),
    exactly('rows left running after the next run', leftAtEnd, 0),
    size === 'short'
      ? noted('claims later than 100 ms after the first signal', sum(seen.map((one) => one.claimedAfter100Ms)))
      : exactly('claims later than 100 ms after the first signal', sum(seen.map((one) => one.claimedAfter100Ms)), 0),
    inTime('slowest drain', slowest(of(1)), { limitMs: 3000, starts: 12 }),
    inTime('slowest stop', slowest(of(2)), { limitMs: 3000, starts: 12 }),
    inTime('slowest end by the third', slowest(of(3)), { limitMs: 500, starts: 4 }),
  ]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
