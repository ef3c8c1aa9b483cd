/**
 * kill -9 of the real program at random instants of a project, again and again, then a run to the end. Looks at
 * the database and at the log of the model server, which is the only witness of what was paid for.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Database } from '../../src/database/connection.ts'
import type { PlannedJob } from '../../src/domain/plan.ts'
import { seededRandom, type Random } from '../../src/runtime/random.ts'
import { startFakeModelServer, type FakeReply, type FakeRequest } from '../support/fake-model-server.ts'
import { storeRows } from '../support/job-rows.ts'
import { hermeticEnv, runOrchProcess } from '../support/run-orch.ts'
import { atLeast, exactly, noted, type OpenedDatabase, type Scene, type Size, type TortureLine } from './line.ts'

const bin = new URL('../../bin/orch.js', import.meta.url).pathname
const longestRoundMs = 60_000

const sizes: Readonly<Record<Size, { readonly jobs: number; readonly kills: number; readonly latencyMs: number }>> = {
  short: { jobs: 9, kills: 3, latencyMs: 150 },
  normal: { jobs: 100, kills: 20, latencyMs: 250 },
  full: { jobs: 300, kills: 60, latencyMs: 250 },
}

export const killResume: TortureLine = {
  name: 'kill-resume',
  promise: 'survives kill -9: every job completes once, and nothing that was committed is bought again',
  run: async (scene, size) => {
    const wanted = sizes[size]
    const report = await killAndResume({ ...(await scene.open()), cwd: scene.cwd, seed: scene.seed, ...wanted })
    return [
      exactly('kills', report.kills, wanted.kills),
      exactly('exit code of the last run', report.exitCode ?? -1, 0),
      exactly('jobs completed', report.states['completed'] ?? 0, wanted.jobs),
      exactly('jobs completed another number of times than once', report.notOnce.length, 0),
      exactly('committed calls bought again', report.boughtAgain.length, 0),
      noted('calls', report.calls),
      // A call in flight when its process dies is asked again; the ledger shows both purchases.
      atLeast('rows of the ledger', report.ledgerRows, { limit: report.calls }),
    ]
  },
}

interface KillResumeOptions extends OpenedDatabase, Pick<Scene, 'cwd' | 'seed'> {
  readonly jobs: number
  readonly kills: number
  readonly latencyMs: number
}

interface KillResumeReport {
  readonly kills: number
  readonly exitCode: number | null
  /** Jobs by state at the end. */
  readonly states: Readonly<Record<string, number>>
  /** Jobs with another number of completed attempts than one. */
  readonly notOnce: readonly string[]
  /** Calls for an errand that was committed when an earlier process died: bought twice. */
  readonly boughtAgain: readonly string[]
  readonly calls: number
  readonly ledgerRows: number
}

/** Runs the torture. Bounded: `kills` rounds of at most a minute, and one to the end. */
async function killAndResume(options: KillResumeOptions): Promise<KillResumeReport> {
  const server = await startFakeModelServer({ respond: (request) => reply(request, options.latencyMs) })
  try {
    await prepare(options, server.url)
    const random = seededRandom(options.seed)
    const boughtAgain: string[] = []
    let committed = new Map<string, number>()
    let seen = 0
    let kills = 0
    const judge = async () => {
      const calls = server.calls().slice(seen)
      boughtAgain.push(...calls.filter((call) => isCommitted(call, committed)).map(nameOf))
      seen += calls.length
      committed = await readCommitted(options.database)
    }
    for (let round = 0; round < options.kills; round++) {
      const killed = await killOnce(options, { random, calls: () => server.calls().length })
      await judge()
      if (!killed) break
      kills += 1
    }
    const last = start(options)
    const exitCode = await ended(last, longestRoundMs * 3)
    await judge()
    return { kills, exitCode, boughtAgain, calls: seen, ...(await readEnd(options.database)) }
  } finally {
    await server.close()
  }
}

/** Two of three jobs are one call; the third is an agent of two calls with a file between them. */
function plannedJobs(count: number): (Partial<PlannedJob> & { readonly key: string })[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `job-${String(index).padStart(3, '0')}`
    const common = { key, description: `Marker <${key}>.`, model: 'fake/fake-model', maxTries: 3 }
    const behind = index >= 10 && index % 2 === 0 ? [`job-${String(index - 10).padStart(3, '0')}`] : []
    if (index % 3 !== 0) return { ...common, dependsOn: behind }
    const file = `${key}.txt`
    return { ...common, dependsOn: behind, role: 'engineer', executor: 'agent' as const, deliverables: [file] }
  })
}

function reply(request: FakeRequest, latencyMs: number): FakeReply {
  const usage = { inputTokens: 100, outputTokens: 20 }
  if (!request.tools.includes('submit')) return { text: `Done: ${markerOf(request)}`, latencyMs, usage }
  const write = { name: 'write', input: { path: `${markerOf(request)}.txt`, content: markerOf(request) } }
  const call = request.toolResults === 0 ? write : { name: 'submit', input: { summary: 'written', claims: [] } }
  return { toolCalls: [call], latencyMs, usage }
}

function markerOf({ prompt }: FakeRequest): string {
  return /Marker <(job-\d+)>/.exec(prompt)?.[1] ?? 'unknown'
}

function nameOf(request: FakeRequest): string {
  return `${markerOf(request)} call ${request.toolResults + 1}`
}

/** A conversation's call number n answers to the journal's n-th model errand. */
function isCommitted(request: FakeRequest, committed: ReadonlyMap<string, number>): boolean {
  return request.toolResults < (committed.get(markerOf(request)) ?? 0)
}

async function prepare(options: KillResumeOptions, serverUrl: string): Promise<void> {
  const { database, cwd } = options
  await storeRows(database, { slug: 'torture', jobs: plannedJobs(options.jobs), project: { workspace: cwd } })
  const row = { id: 'fake', label: 'fake', kind: 'openai-compatible', base_url: `${serverUrl}/v1`, enabled: 1 }
  await database.db
    .insertInto('provider_config')
    .values({ ...row, created_at: 1, updated_at: 1 })
    .execute()
  for (const argv of [
    ['db', 'trust', '--yes'],
    ['models', 'sync'],
  ]) {
    const result = await runOrchProcess(argv, { cwd, env: environment(options) })
    if (result.exitCode !== 0) throw new Error(`orch ${argv.join(' ')}: ${result.stderr}`)
  }
}

function environment({ url, schema }: KillResumeOptions): Record<string, string> {
  return { ORCH_DATABASE_URL: url, ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }) }
}

function start(options: KillResumeOptions): ChildProcess {
  const argv = [bin, 'jobs', 'run', '--until-idle', '--concurrency', '2', '--json']
  const env = hermeticEnv(options.cwd, environment(options))
  return spawn(process.execPath, argv, { cwd: options.cwd, env, stdio: ['ignore', 'ignore', 'ignore'] })
}

interface KillPlan {
  readonly random: Random
  readonly calls: () => number
}

/** False where the program ended by itself before it could be killed. */
async function killOnce(options: KillResumeOptions, { random, calls }: KillPlan): Promise<boolean> {
  const child = start(options)
  const exit = ended(child, longestRoundMs)
  // Now and then before anything is claimed; usually some calls into the round, at any instant of one.
  const early = random.next() < 0.15
  const before = calls()
  const deadline = Date.now() + longestRoundMs / 2
  while (!early && calls() === before && child.exitCode === null && Date.now() < deadline) await pause(5)
  // Three interruptions in a row without progress quarantine a job: most rounds let what was interrupted end.
  await pause((early ? 0 : options.latencyMs * 1.6) + random.next() * options.latencyMs * 4)
  const alive = child.exitCode === null
  child.kill('SIGKILL')
  await exit
  return alive
}

async function ended(child: ChildProcess, limitMs: number): Promise<number | null> {
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  try {
    return await new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  } finally {
    clearTimeout(limit)
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}

/** Committed model errands of each job's only try. */
async function readCommitted({ db }: Database): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('errands')
    .innerJoin('jobs', 'jobs.id', 'errands.job_id')
    .select((eb) => ['jobs.key', eb.fn.countAll<number>().as('errands')])
    .where('errands.kind', '=', 'model')
    .where('errands.status', '=', 'done')
    .groupBy('jobs.key')
    .execute()
  return new Map(rows.map((row) => [row.key, Number(row.errands)]))
}

async function readEnd({ db }: Database) {
  const jobs = await db.selectFrom('jobs').select(['id', 'key', 'state']).execute()
  const completed = await db.selectFrom('attempts').select('job_id').where('outcome', '=', 'completed').execute()
  const ledger = await db.selectFrom('model_usage').select('id').execute()
  const states: Record<string, number> = {}
  for (const { state } of jobs) states[state] = (states[state] ?? 0) + 1
  const times = (id: string) => completed.filter(({ job_id: jobId }) => jobId === id).length
  const notOnce = jobs.filter(({ id }) => times(id) !== 1).map(({ key }) => key)
  return { states, notOnce, ledgerRows: ledger.length }
}
