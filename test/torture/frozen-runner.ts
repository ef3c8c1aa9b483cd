/** A runner is frozen past its lease, another one finishes its jobs, and it is thawed: it must not change a row. */
import { seededRandom } from '../../src/runtime/random.ts'
import { startFakeModelServer, type FakeModelServer } from '../support/fake-model-server.ts'
import { databaseEnvironment, prepareKillDag, type KillDagJob, type KillDagPlace } from './kill-dag-project.ts'
import { pause } from './kill-turns.ts'
import { atMost, exactly, noted, type Figure, type Scene, type Size, type TortureLine } from './line.ts'
import { Runner } from './runner.ts'

const rounds: Readonly<Record<Size, number>> = { short: 1, normal: 6, full: 30 }
const leaseMs = 2000
const patienceMs = 30_000

export const frozenRunner: TortureLine = {
  name: 'frozen-runner',
  promise:
    'a runner that was frozen past its lease changes no row when it is thawed, and its calls are aborted at once',
  run: async (scene, size) => {
    const seen: Round[] = []
    for (let round = 0; round < rounds[size]; round++) seen.push(await freezeOnce(scene, round))
    const total = (pick: (round: Round) => number) => seen.reduce((sum, one) => sum + pick(one), 0)
    const slowest = Math.max(...seen.map(({ abortedAfterMs }) => abortedAfterMs))
    return [
      noted('rounds', seen.length),
      exactly(
        'jobs not completed by the other runner',
        total(({ unfinished }) => unfinished),
        0,
      ),
      exactly(
        'rows that the thawed runner changed',
        total(({ changed }) => changed),
        0,
      ),
      exactly('rounds without a rejected write', seen.filter(({ rejected }) => rejected === 0).length, 0),
      noted(
        'rejected writes',
        total(({ rejected }) => rejected),
      ),
      exactly(
        'reservations left open',
        total(({ open }) => open),
        0,
      ),
      exactly(
        'calls still open in the end',
        total(({ inFlight }) => inFlight),
        0,
      ),
      abortFigure(slowest, size),
    ]
  },
}

function abortFigure(slowestMs: number, size: Size): Figure {
  const name = 'from the first rejected write to the last closed call'
  return size === 'short' ? noted(name, slowestMs) : atMost(name, slowestMs, { limit: 1000, unit: 'ms' })
}

interface Round {
  readonly unfinished: number
  readonly changed: number
  readonly rejected: number
  readonly open: number
  readonly inFlight: number
  readonly abortedAfterMs: number
}

/** Half of the calls hang for ever, half are answered while their asker is frozen; the second asker gets replies. */
async function freezeOnce(scene: Scene, round: number): Promise<Round> {
  const random = seededRandom(scene.seed * 1000 + round)
  const asked = new Map<string, number>()
  const server = await startFakeModelServer({
    respond: ({ prompt }) => {
      const key = /Marker <(job-\d+)>/.exec(prompt)?.[1] ?? ''
      asked.set(key, (asked.get(key) ?? 0) + 1)
      if (asked.get(key) !== 1) return { text: 'done' }
      return Number(key.slice(-1)) % 2 === 0 ? { hang: true } : { text: 'late', latencyMs: 900 }
    },
  })
  const runners: Runner[] = []
  try {
    const place = { ...(await scene.open()), cwd: scene.cwd, modelServerUrl: server.url }
    await prepareKillDag(place, jobs)
    const start = (flags: readonly string[]) => {
      const env = { ...databaseEnvironment(place), ORCH_LIMITS_LEASE_MS: String(leaseMs) }
      const runner = new Runner({ cwd: place.cwd, env, flags })
      runners.push(runner)
      return runner
    }
    const frozen = start([])
    await until(() => server.inFlight() === calls)
    await pause(random.next() * 300)
    frozen.child.kill('SIGSTOP')
    await start(['--until-idle']).ended
    return await thaw(place, server, frozen)
  } finally {
    for (const runner of runners) if (runner.lives) await runner.kill()
    await server.close()
  }
}

const calls = 3
const jobs: readonly KillDagJob[] = [
  ...Array.from({ length: calls }, (_, index) => {
    const key = `job-${index}`
    return { key, description: `Marker <${key}>.`, model: 'fake/fake-model' }
  }),
  { key: 'program', model: null, role: null, executor: 'command', run: ['sleep', '1'], repeatable: true },
]

async function thaw(place: KillDagPlace, server: FakeModelServer, frozen: Runner): Promise<Round> {
  const before = await everything(place)
  const { db } = place.database
  const unfinished = await db.selectFrom('jobs').select('id').where('state', '<>', 'completed').execute()
  frozen.child.kill('SIGCONT')
  await until(() => server.inFlight() === 0)
  const closedMs = Date.now()
  const rejections = () =>
    db
      .selectFrom('job_events')
      .select('created_at')
      .where('kind', '=', 'rejected_write')
      .orderBy('created_at')
      .execute()
  await until(async () => (await rejections()).length > 0)
  frozen.child.kill('SIGTERM')
  await Promise.race([frozen.ended, pause(patienceMs)])
  const rejected = await rejections()
  const after = await everything(place)
  const open = await db.selectFrom('reservations').select('id').where('settled_at', 'is', null).execute()
  return {
    unfinished: unfinished.length,
    changed: differences(before, after),
    rejected: rejected.length,
    open: open.length,
    inFlight: server.inFlight(),
    abortedAfterMs: Math.max(0, closedMs - (rejected[0]?.created_at ?? Number.NaN)),
  }
}

/** Every row that belongs to jobs, as text. Money is the exception: what was paid is appended. */
async function everything({ database: { db } }: KillDagPlace): Promise<readonly string[]> {
  const tables = ['jobs', 'attempts', 'tasks', 'errands', 'job_locks', 'job_dependencies'] as const
  const rows: string[] = []
  for (const table of tables) {
    const found = await db.selectFrom(table).selectAll().execute()
    rows.push(...found.map((row) => `${table} ${JSON.stringify(row)}`))
  }
  return rows
}

function differences(before: readonly string[], after: readonly string[]): number {
  const [old, fresh] = [new Set(before), new Set(after)]
  return before.filter((row) => !fresh.has(row)).length + after.filter((row) => !old.has(row)).length
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (!(await holds()) && Date.now() < deadline) await pause(5)
}
