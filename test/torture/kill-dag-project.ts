/** The project that `kill-dag` runs: a random DAG of mostly single calls, with some agents and some commands. */
import type { PlannedJob } from '../../src/domain/plan.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import type { FakeReply, FakeRequest } from '../support/fake-model-server.ts'
import { storeRows } from '../support/job-rows.ts'
import { runOrchProcess } from '../support/run-orch.ts'
import type { OpenedDatabase } from './line.ts'

export type KillDagJob = Partial<PlannedJob> & { readonly key: string }

const agentEvery = 12
const commandEvery = 20
/** How far back a job's dependencies lie: narrow enough for a deep DAG, wide enough to keep every runner busy. */
const nearest = 30
const furthest = 90

/** Each job waits for up to two of those some way before it. */
export function killDagJobs(count: number, seed: number): readonly KillDagJob[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, index) => {
    const key = keyOf(index)
    const back = () => index - nearest - Math.floor(random.next() * (furthest - nearest))
    const behind = [back(), back()].filter((at) => at >= 0).map(keyOf)
    const common = { key, dependsOn: [...new Set(behind)], description: `Marker <${key}>.`, model: 'fake/fake-model' }
    if (index % commandEvery === 0) {
      return { ...common, model: null, role: null, executor: 'command', run: ['true'], repeatable: true }
    }
    if (index % agentEvery !== 0) return common
    return { ...common, role: 'engineer', executor: 'agent', deliverables: [`${key}.txt`] }
  })
}

function keyOf(index: number): string {
  return `job-${String(index).padStart(4, '0')}`
}

/** Calls that the jobs make if nothing is killed: an agent writes its file, then submits. */
export function callsOf(jobs: readonly KillDagJob[]): number {
  const calls = { command: 0, agent: 2, llm: 1 }
  return jobs.reduce((sum, { executor = 'llm' }) => sum + calls[executor], 0)
}

export function replyTo(request: FakeRequest, latencyMs: number): FakeReply {
  const usage = { inputTokens: 100, outputTokens: 20 }
  const marker = markerOf(request)
  if (!request.tools.includes('submit')) return { text: `Done: ${marker}`, latencyMs, usage }
  const write = { name: 'write', input: { path: `${marker}.txt`, content: marker } }
  const call = request.toolResults === 0 ? write : { name: 'submit', input: { summary: 'written', claims: [] } }
  return { toolCalls: [call], latencyMs, usage }
}

/** Which call of which job a request is: a conversation's n-th call answers to the journal's n-th model errand. */
export function callName(request: FakeRequest): string {
  return `${markerOf(request)} call ${request.toolResults + 1}`
}

function markerOf({ prompt }: FakeRequest): string {
  return /Marker <(job-\d+)>/.exec(prompt)?.[1] ?? 'unknown'
}

export interface KillDagPlace extends OpenedDatabase {
  readonly cwd: string
  readonly modelServerUrl: string
}

/** Stores project and provider, trusts the database and lists the models. */
export async function prepareKillDag(place: KillDagPlace, jobs: readonly KillDagJob[]): Promise<void> {
  const { database, cwd, modelServerUrl } = place
  // Marks of processes are made of ids, and other lines may run beside this one.
  await storeRows(database, { slug: `torture-${process.pid}`, jobs, project: { workspace: cwd } })
  const provider = {
    id: 'fake',
    label: 'fake',
    kind: 'openai-compatible',
    base_url: `${modelServerUrl}/v1`,
    enabled: 1,
  }
  await database.db
    .insertInto('provider_config')
    .values({ ...provider, created_at: 1, updated_at: 1 })
    .execute()
  await orchDone(place, ['db', 'trust', '--yes'])
  await orchDone(place, ['models', 'sync'])
}

/** Runs a command that must succeed. */
export async function orchDone(place: KillDagPlace, argv: readonly string[]): Promise<void> {
  const result = await runOrchProcess(argv, { cwd: place.cwd, env: databaseEnvironment(place) })
  if (result.exitCode !== 0) throw new Error(`orch ${argv.join(' ')}: ${result.stderr}`)
}

export function databaseEnvironment({ url, schema }: OpenedDatabase): Record<string, string> {
  return { ORCH_DATABASE_URL: url, ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }) }
}
