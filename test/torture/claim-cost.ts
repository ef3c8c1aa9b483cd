/** What a claim costs beside a million jobs that it may not take. */
import { sql } from 'kysely'
import type { Database } from '../../src/database/connection.ts'
import { storeDrainRows } from '../support/drain-rows.ts'
import { claim, finish } from '../support/scheduling.ts'
import { quantile } from './calibrate.ts'
import { atMost, exactly, noted, type Figure, type Size, type TortureLine } from './line.ts'

interface Extent {
  readonly finished: number
  readonly future: number
  readonly blocked: number
  readonly paused: number
  readonly claims: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { finished: 1000, future: 300, blocked: 300, paused: 300, claims: 10 },
  normal: { finished: 1_000_000, future: 100_000, blocked: 100_000, paused: 50_000, claims: 250 },
  full: { finished: 1_000_000, future: 100_000, blocked: 100_000, paused: 100_000, claims: 2000 },
}

const atOnce = 4
const warmUp = 10

export const claimCost: TortureLine = {
  name: 'claim-cost',
  promise: 'a claim costs the same beside a million finished, future, blocked and paused jobs, and takes none of them',
  run: async (scene, size) => {
    const extent = extents[size]
    const empty = (await scene.open()).database
    const loaded = (await scene.open()).database
    await fill(loaded, extent)
    const jobs = (extent.claims + warmUp) * atOnce
    for (const database of [empty, loaded]) await storeDrainRows(database, { count: jobs })
    const took = { empty: new Array<number>(), loaded: new Array<number>() }
    const wrong: string[] = []
    // In turns, so that whatever else the machine does meets both alike.
    for (let round = -warmUp; round < extent.claims; round++) {
      for (const [name, database] of [
        ['empty', empty],
        ['loaded', loaded],
      ] as const) {
        const { ms, keys } = await claimOnce(database)
        const expected = Array.from({ length: atOnce }, (_, place) => `j${(round + warmUp) * atOnce + place}`)
        if (keys.join() !== expected.join()) wrong.push(keys.join())
        if (round >= 0) took[name].push(ms)
      }
    }
    return figuresOf(took, { wrong: wrong.length, size, extent })
  },
}

async function claimOnce(database: Database): Promise<{ readonly ms: number; readonly keys: readonly string[] }> {
  const begin = performance.now()
  const claimed = await claim(database, { limit: atOnce })
  const ms = performance.now() - begin
  await finish(database, claimed)
  return { ms, keys: claimed.map(({ job }) => job.key) }
}

function figuresOf(
  took: { readonly empty: readonly number[]; readonly loaded: readonly number[] },
  { wrong, size, extent }: { readonly wrong: number; readonly size: Size; readonly extent: Extent },
): readonly Figure[] {
  const p99 = { empty: quantile(took.empty, 0.99), loaded: quantile(took.loaded, 0.99) }
  const p50 = { empty: quantile(took.empty, 0.5), loaded: quantile(took.loaded, 0.5) }
  return [
    noted('finished + future + blocked + paused', Object.values(extent).slice(0, 4).join(' + ')),
    exactly('claims out of order', wrong, 0),
    noted('claim p50, empty / loaded', `${p50.empty.toFixed(2)} / ${p50.loaded.toFixed(2)} ms`),
    noted('claim p99, empty / loaded', `${p99.empty.toFixed(2)} / ${p99.loaded.toFixed(2)} ms`),
    // So few rows say nothing about cost.
    ...(size === 'short'
      ? []
      : [atMost('claim p99 against that of an empty backlog', p99.loaded / p99.empty, { limit: 2 })]),
  ]
}

/** All of it stands before the jobs that are measured in the order of starts, and no statistics are gathered. */
async function fill(database: Database, { finished, future, blocked, paused }: Extent): Promise<void> {
  await storeDrainRows(database, { slug: 'old', count: 0 })
  await storeDrainRows(database, { slug: 'asleep', count: 0 })
  const now = await database.now()
  const row = { project: 'old', state: 'completed', runAt: now, readyAt: 1, blockedBy: 0, count: finished }
  await generate(database, row)
  await generate(database, {
    ...row,
    project: 'drain-later',
    state: 'ready',
    runAt: now + 1e9,
    readyAt: null,
    count: future,
  })
  await generate(database, {
    ...row,
    project: 'drain-behind',
    state: 'blocked',
    readyAt: null,
    blockedBy: 1,
    count: blocked,
  })
  await generate(database, { ...row, project: 'asleep', state: 'ready', count: paused })
  await database.db.updateTable('projects').set({ status: 'paused' }).where('id', '=', 'asleep').execute()
  await database.db
    .insertInto('job_dependencies')
    .columns(['job_id', 'depends_on_id'])
    .expression((eb) =>
      eb
        .selectFrom('jobs')
        .select(['id', sql.lit('old-1').as('depends_on_id')])
        .where('state', '=', 'blocked'),
    )
    .execute()
  await database.db.updateTable('jobs').set({ state: 'running' }).where('id', '=', 'old-1').execute()
}

interface Generated {
  /** Names the ids too. Those named after `drain` belong to the project that is measured. */
  readonly project: string
  readonly state: string
  readonly runAt: number
  readonly readyAt: number | null
  readonly blockedBy: number
  readonly count: number
}

async function generate(
  database: Database,
  { project, state, runAt, readyAt, blockedBy, count }: Generated,
): Promise<void> {
  const owner = project.startsWith('drain') ? 'drain' : project
  await sql`
    insert into jobs (id, project_id, key, title, description, executor, state, priority, effective_priority,
      path_length, run_at, ready_at, blocked_by, attempt, try, max_tries, interruptions, spec, rehearsed,
      created_at, updated_at)
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < cast(${count} as integer))
    select ${sql.lit(`${project}-`)} || n, ${sql.lit(owner)}, ${sql.lit(`${project}-`)} || n, '', '', 'llm',
      ${sql.lit(state)}, 3, 3, 9, cast(${runAt} as bigint), cast(${readyAt} as bigint), cast(${blockedBy} as integer),
      0, 1, 3, 0, '{}', 0, 1, 1
    from numbers`.execute(database.db)
}
