/** What the calls of the catalogue work on: something of everything that a project in use has in its tables. */
import { openDatabase, type Database } from '../../../src/database/connection.ts'
import { toJson } from '../../../src/database/json.ts'
import { rehearsalAddress, rehearsalModelId } from '../../../src/providers/rehearsal-settings.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { planHash } from '../../../src/domain/plan-hash.ts'
import { storeRows, type ProjectRows } from '../job-rows.ts'
import { aJob, aPlan } from '../plan-builder.ts'
import type { StagePlace } from './stage.ts'

const at = 1_700_000_000_000
const model = `lab/${rehearsalModelId}`

/** Stores it all in a migrated database without rows. */
export async function fillStage({ url, schema, cwd }: StagePlace): Promise<void> {
  const database = await openDatabase(url, { clock: systemClock, random: systemRandom, schema, connections: 1 })
  try {
    for (const project of projects(cwd)) await storeRows(database, project)
    await storeSurroundings(database)
    await storeHistory(database)
  } finally {
    await database.close()
  }
}

/** `sample` has a job in every state that a command asks for; `over` has ended, `resting` is paused, `draft` waits for a yes. */
function projects(cwd: string): readonly ProjectRows[] {
  const project = { workspace: cwd }
  return [
    {
      project: { ...project, budget_micro_usd: 5_000_000 },
      createdAt: at,
      jobs: [
        { key: 'a', model, deliverables: ['out/a.md'] },
        { key: 'b', dependsOn: ['a'], model, executor: 'agent', tasks: [{ title: 'One', description: 'First' }] },
        { key: 'held' },
        { key: 'failed', model },
        { key: 'skipped', dependsOn: ['failed'] },
        { key: 'away', model },
      ],
      rows: {
        held: { hold: 'person', hold_reason: 'wait' },
        failed: {
          state: 'failed',
          attempt: 1,
          finished_at: at,
          error: toJson({ errorClass: 'server', message: 'no' }),
        },
        skipped: { state: 'skipped', skipped_because: 'sample-failed', finished_at: at },
        // A scheduler that died holds it.
        away: { max_tries: 1, state: 'running', attempt: 1, lease_owner: 'gone', lease_expires_at: at, started_at: at },
      },
    },
    {
      slug: 'over',
      project,
      createdAt: at,
      jobs: [{ key: 'done', model }],
      rows: { done: { state: 'completed', attempt: 1, rehearsed: 1, finished_at: at } },
    },
    { slug: 'resting', project: { ...project, status: 'paused' }, createdAt: at, jobs: [{ key: 'a' }] },
    { slug: 'draft', project: { ...project, ...unapproved(cwd) }, createdAt: at, jobs: draftJobs },
  ]
}

const draftJobs = [{ key: 'a' }]

/** A draft is approved only while its rows are what its hash says. */
function unapproved(workspace: string) {
  const plan = aPlan({
    project: 'draft',
    goal: 'The goal of draft',
    workspace,
    jobs: draftJobs.map((job) => aJob(job)),
  })
  const unsaid = { approved_hash: null, approved_at: null, approved_by: null }
  return { ...unsaid, status: 'draft', plan_hash: planHash(plan) } as const
}

async function storeSurroundings({ db }: Database): Promise<void> {
  const provider = { kind: 'rehearsal', base_url: rehearsalAddress(), created_at: at, updated_at: at }
  await db
    .insertInto('provider_config')
    .values([
      { ...provider, id: 'lab', label: 'Lab', enabled: 1, max_concurrency: 2 },
      { ...provider, id: 'spare', label: 'Spare', enabled: 0 },
      { ...provider, id: 'cloud', label: 'Cloud', kind: 'openai', base_url: null, enabled: 0 },
    ])
    .execute()
  await db
    .insertInto('provider_health')
    .values({ provider_id: 'lab', model_id: '', state: 'closed', failures: 0, updated_at: at })
    .execute()
  await db
    .insertInto('model_registry')
    .values({
      provider_id: 'lab',
      model_id: rehearsalModelId,
      provider_data: toJson({ id: rehearsalModelId }),
      lifecycle: 'active',
      first_seen_at: at,
      last_seen_at: at,
      updated_at: at,
    })
    .execute()
  await db
    .insertInto('roles')
    .values({
      id: 'poet',
      title: 'Poet',
      prompt: 'You rhyme.',
      needs: '[]',
      tools: '[]',
      denied_commands: '[]',
      reports_to: null,
      model_pin: model,
      created_at: at,
      updated_at: at,
    })
    .execute()
  await db
    .insertInto('orchestrator_config')
    .values([
      { key: 'limits.turns', value: '9', updated_at: at },
      { key: 'limits.jobs', value: '4', updated_at: at },
    ])
    .execute()
  await db
    .insertInto('scheduler_instances')
    .values({
      id: 'gone',
      host: 'elsewhere',
      boot_id: 'b',
      pid_namespace: 'p',
      pid: 1,
      process_started_at: '1',
      version: '0.1.0',
      concurrency: 1,
      started_at: at,
      heartbeat_at: at,
      stopped_at: null,
    })
    .execute()
}

/** Two attempts: one that failed, and one whose scheduler is gone, with a call in flight and a lock. */
async function storeHistory({ db }: Database): Promise<void> {
  const attempt = { number: 1, try: 1, scheduler_id: 'gone', started_at: at, error: null, evidence: null }
  await db
    .insertInto('attempts')
    .values([
      { ...attempt, job_id: 'sample-failed', ended_at: at, outcome: 'failed', error_class: 'server' },
      { ...attempt, job_id: 'sample-away', ended_at: null, outcome: null, error_class: null },
      { ...attempt, job_id: 'over-done', ended_at: at, outcome: 'completed', error_class: null },
    ])
    .execute()
  await db
    .insertInto('tasks')
    .values({
      job_id: 'sample-b',
      ordinal: 1,
      title: 'One',
      description: 'First',
      state: 'pending',
      summary: null,
      updated_at: at,
    })
    .execute()
  const errand = {
    try: 1,
    ordinal: 1,
    task_ordinal: 1,
    kind: 'model',
    name: model,
    request_hash: 'h',
    request: '{}',
    error_class: null,
    before_hash: null,
    attempt: 1,
    started_at: at,
  } as const
  await db
    .insertInto('errands')
    .values([
      { ...errand, id: 'errand-failed', job_id: 'sample-failed', status: 'done', output: '{}', ended_at: at },
      { ...errand, id: 'errand-away', job_id: 'sample-away', status: 'started', output: null, ended_at: null },
    ])
    .execute()
  await db
    .insertInto('job_events')
    .values([
      {
        id: 'e1',
        project_id: 'sample',
        job_id: 'sample-failed',
        attempt: 1,
        kind: 'failed',
        data: '{}',
        created_at: at,
      },
      {
        id: 'e2',
        project_id: 'over',
        job_id: 'over-done',
        attempt: 1,
        kind: 'completed',
        data: '{}',
        created_at: at,
      },
    ])
    .execute()
  const call = { project_id: 'sample', attempt: 1, provider_id: 'lab', model_id: rehearsalModelId, created_at: at }
  await db
    .insertInto('model_usage')
    .values({
      ...call,
      id: 'u1',
      job_id: 'sample-failed',
      errand_id: 'errand-failed',
      role: 'general_worker',
      purpose: 'job',
      input_tokens: 10,
      output_tokens: 5,
      cost_micro_usd: 1000,
      bound_micro_usd: null,
      source: 'measured',
      price_source: 'person',
      latency_ms: 5,
      outcome: 'ok',
      error_class: null,
    })
    .execute()
  await db
    .insertInto('reservations')
    .values({
      ...call,
      id: 'r1',
      job_id: 'sample-away',
      errand_id: 'errand-away',
      scheduler_id: 'gone',
      bound_micro_usd: 1000,
      tokens: 100,
      settled_at: null,
    })
    .execute()
  await db
    .insertInto('job_locks')
    .values({ name: 'path:out', job_id: 'sample-away', attempt: 1, mode: 'exclusive', acquired_at: at })
    .execute()
}
