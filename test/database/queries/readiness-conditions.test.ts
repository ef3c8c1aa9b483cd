import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readExplainedWaits } from '../../../src/database/queries/explain-waits.ts'
import {
  nothingShared,
  readinessConditionNames,
  type ReadinessCondition,
  type ReadinessFacts,
  type SharedFacts,
} from '../../../src/database/queries/readiness-conditions.ts'
import type { JobRow, ProjectRow } from '../../../src/database/tables.ts'
import type { PlannedJob } from '../../../src/domain/plan.ts'
import { requiredLocks } from '../../../src/scheduling/required-locks.ts'
import { describeEachDatabase, type TestDatabase } from '../../support/databases.ts'
import { storeRows } from '../../support/job-rows.ts'
import { claim } from '../../support/scheduling.ts'

/** Both sides of the boundary: a time that is now has come. */
const offsetsMs = [-5, -5, -5, 0, 3_600_000, 7_200_000] as const
const models = ['a/one', 'a/two', 'b/one', 'a', 'ab/one'] as const
const roles = ['writer', 'engineer', 'tester'] as const

interface Generated {
  readonly job: Partial<PlannedJob> & { readonly key: string }
  readonly row: Partial<JobRow>
}

const anyJob = fc.record({
  executor: fc.constantFrom('llm', 'command', 'agent'),
  role: fc.option(fc.constantFrom(...roles)),
  model: fc.option(fc.constantFrom(...models)),
  locks: fc.subarray(['port', 'gpu']),
  writes: fc.option(fc.subarray(['src/**', 'src/api/**', 'docs/**']), { freq: 3 }),
  state: fc.constantFrom('ready', 'ready', 'ready', 'blocked', 'running'),
  hold: fc.option(fc.constantFrom('person', 'quarantine'), { freq: 1, nil: null }).map((hold) => hold),
  isHeld: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  waitsFor: fc.option(fc.constantFrom('budget', 'provider', 'rate')),
  runInMs: fc.constantFrom(...offsetsMs),
  priority: fc.integer({ min: 0, max: 3 }),
})

const anyProject = fc.record({
  status: fc.constantFrom('active', 'active', 'active', 'draft', 'paused', 'cancelled'),
  approved: fc.constantFrom('hash', 'hash', 'hash', 'other', null),
  jobs: fc.array(anyJob, { minLength: 1, maxLength: 7 }),
})

const anyShared = fc.record({
  full: fc.record({
    jobs: fc.integer({ min: 0, max: 6 }).map((roll) => roll === 0),
    roles: fc.subarray([...roles], { maxLength: 2 }),
    providers: fc.subarray(['a', 'b'], { maxLength: 1 }),
    models: fc.subarray(['a/one', 'b/one'], { maxLength: 1 }),
  }),
  cooling: fc.record({
    providers: fc.subarray(['b', 'ab'], { maxLength: 1 }),
    models: fc.subarray(['a/two', 'ab/one'], { maxLength: 1 }),
  }),
  pins: fc.record({
    roles: fc
      .subarray([...roles])
      .chain((pinned) =>
        fc.tuple(...pinned.map((role) => fc.constantFrom(...models).map((pin) => [role, pin] as const))),
      )
      .map((entries) => new Map(entries)),
    fallback: fc.option(fc.constantFrom(...models), { freq: 1 }),
  }),
  exhaustedProjects: fc.subarray(['p0', 'p1'], { maxLength: 1 }),
  freeProviders: fc.subarray(['b'], { maxLength: 1 }),
})

const anyWorld = fc.record({
  projects: fc.array(anyProject, { minLength: 1, maxLength: 3 }),
  shared: anyShared,
  databaseTrusted: fc.integer({ min: 0, max: 9 }).map((roll) => roll > 0),
  unreachable: fc.subarray(['p1', 'p2'], { maxLength: 1 }),
})

type World = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never

function generated(job: World['projects'][number]['jobs'][number], key: string, now: number): Generated {
  const { executor, role, model, locks, writes, state, hold, isHeld, waitsFor, runInMs, priority } = job
  const runAt = now + runInMs
  return {
    job: { key, executor: executor as PlannedJob['executor'], role, model, locks, writes, deliverables: [] },
    row: {
      state: state as JobRow['state'],
      hold: isHeld ? ((hold ?? 'person') as JobRow['hold']) : null,
      waits_for: waitsFor,
      run_at: runAt,
      ready_at: state === 'blocked' ? null : runAt > now ? null : runAt,
      effective_priority: priority,
      ...(state === 'running' ? { attempt: 1, lease_owner: 'other', lease_expires_at: now + 60_000 } : {}),
    },
  }
}

async function store(database: TestDatabase, world: World): Promise<number> {
  const now = await database.now()
  for (const table of ['jobs', 'projects', 'job_locks', 'attempts', 'job_events'] as const) {
    await database.db.deleteFrom(table).execute()
  }
  for (const [index, project] of world.projects.entries()) {
    const jobs = project.jobs.map((job, place) => generated(job, `j${place}`, now))
    const row: Partial<ProjectRow> = {
      status: project.status as ProjectRow['status'],
      approved_hash: project.approved,
      workspace: '/srv/shared',
    }
    await storeRows(database, {
      slug: `p${index}`,
      jobs: jobs.map(({ job }) => job),
      rows: Object.fromEntries(jobs.map(({ job, row: one }) => [job.key, one])),
      project: row,
    })
  }
  return now
}

/** Each condition again, as a person would write it down: from the stored row, without SQL and without the code. */
function plainly(job: JobRow, project: ProjectRow, facts: ReadinessFacts & { readonly shared: SharedFacts }) {
  const spec = JSON.parse(job.spec) as PlannedJob
  const { shared } = facts
  const usesModel = job.executor !== 'command'
  const pin = usesModel ? (spec.model ?? shared.pins.roles.get(job.role ?? '-') ?? shared.pins.fallback) : null
  const provider = pin?.split('/')[0] ?? null
  const isModel = pin?.includes('/') === true
  const truth: Record<ReadinessCondition, boolean> = {
    untrusted: !facts.databaseTrusted,
    projectCancelled: project.status === 'cancelled',
    projectPaused: project.status === 'paused',
    notApproved: project.status === 'draft' || project.approved_hash !== project.plan_hash,
    quarantined: job.hold === 'quarantine',
    held: job.hold === 'person',
    dependencies: job.state === 'blocked',
    waiting: job.waits_for !== null && job.run_at > facts.now,
    backoff: job.waits_for === null && job.run_at > facts.now,
    workspaceUnreachable: facts.unreachableProjects.includes(project.id),
    overBudget:
      usesModel &&
      shared.exhaustedProjects.includes(project.id) &&
      (provider === null ? shared.freeProviders.length === 0 : !shared.freeProviders.includes(provider)),
    providerCooling:
      provider !== null &&
      (shared.cooling.providers.includes(provider) || (isModel && shared.cooling.models.includes(pin ?? ''))),
    jobLimit: shared.full.jobs,
    roleLimit: job.role !== null && shared.full.roles.includes(job.role),
    providerLimit: provider !== null && shared.full.providers.includes(provider),
    modelLimit: isModel && shared.full.models.includes(pin ?? ''),
    lockTaken: false,
  }
  return readinessConditionNames.filter((name) => truth[name])
}

describeEachDatabase('the conditions of readiness', (open) => {
  it('say in SQL what they say in plain words, and their absence is what the claim demands', async () => {
    const database = await open()
    const label = database.dialect.label
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const now = await store(database, world)
        const shared = { ...nothingShared(database.dialect), ...world.shared }
        const facts = { now, databaseTrusted: world.databaseTrusted, unreachableProjects: world.unreachable, shared }
        const rows = await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()
        const projects = await database.db.selectFrom('projects').selectAll().execute()
        const waits = await readExplainedWaits(database.db, {}, facts)
        const free: string[] = []
        for (const row of rows.filter(({ state }) => state !== 'running')) {
          const project = projects.find(({ id }) => id === row.project_id)
          if (project === undefined) throw new Error('a job without a project')
          const expected = plainly(row, project, facts)
          expect([row.id, ...(waits.get(row.id) ?? ['nothing read'])]).toEqual([row.id, ...expected])
          if (expected.length === 0) free.push(row.id)
        }
        // Locks are judged one after the other, so that a job may lock the next one out: here none has any.
        const claimed = await claim(database, {
          limit: 100,
          facts: { ...facts, shared },
          // Whatever is full in these facts is full by a limit of 0 for the claim itself.
          limits: limitsOf(shared),
        })
        expect(claimed.map(({ job }) => job.id).toSorted()).toEqual(free)
      }),
      { numRuns: label === 'SQLite' ? 120 : 30, seed: 7 },
    )
  }, 60_000)

  it('leave out, by one statement, exactly the jobs whose locks others hold', async () => {
    const database = await open()
    const label = database.dialect.label
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        await store(database, world)
        const projects = await database.db.selectFrom('projects').selectAll().execute()
        const running = await database.db.selectFrom('jobs').selectAll().where('state', '=', 'running').execute()
        const request = { limit: 100, locksFor: requiredLocks, hasLockTable: false }
        const claimed = (await claim(database, request)).map(({ job }) => job)
        // No two that run together exclude each other, other than those that were stored as running already.
        const wants = (spec: PlannedJob) => requiredLocks(spec, '/srv/shared')
        for (const [place, job] of claimed.entries()) {
          const others = [
            ...claimed.slice(0, place).map((one) => one.plan),
            ...running.map((row) => JSON.parse(row.spec) as PlannedJob),
          ]
          expect(others.filter((other) => excludes(wants(other), wants(job.plan)))).toEqual([])
        }
        // And nothing that could have run beside them was left behind.
        const left = await database.db.selectFrom('jobs').selectAll().where('state', '=', 'ready').execute()
        const all = await database.db.selectFrom('jobs').selectAll().where('state', '=', 'running').execute()
        for (const row of left) {
          const project = projects.find(({ id }) => id === row.project_id)
          if (project === undefined) throw new Error('a job without a project')
          const own = plainly(row, project, {
            now: Date.now(),
            databaseTrusted: true,
            unreachableProjects: [],
            shared: nothingShared(database.dialect),
          })
          if (own.length > 0) continue
          const spec = JSON.parse(row.spec) as PlannedJob
          expect([
            row.id,
            all.some((other) => excludes(wants(JSON.parse(other.spec) as PlannedJob), wants(spec))),
          ]).toEqual([row.id, true])
        }
      }),
      { numRuns: label === 'SQLite' ? 60 : 20, seed: 11 },
    )
  }, 60_000)
})

/** A limit of 0 for everything that is full. */
function limitsOf({ full, pins }: SharedFacts) {
  const zero = (names: readonly string[]) => new Map(names.map((name) => [name, 0]))
  const limits = {
    jobs: full.jobs ? 0 : null,
    roles: zero(full.roles),
    providers: zero(full.providers),
    models: zero(full.models),
  }
  return { limits, pins, hasReservations: true, inside: async () => limits }
}

interface Wanted {
  readonly names: readonly string[]
  readonly paths: readonly string[]
}

/** Two jobs exclude each other when they name one resource, or when one may write below what the other may write. */
function excludes(one: Wanted, other: Wanted): boolean {
  const within = (path: string, root: string) => path === root || path.startsWith(root === '/' ? '/' : `${root}/`)
  return (
    one.names.some((name) => other.names.includes(name)) ||
    one.paths.some((path) => other.paths.some((root) => within(path, root) || within(root, path)))
  )
}
