import { expect, it } from 'vitest'
import { describeEachDatabase, describePostgres } from '../../support/databases.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { storeRows } from '../../support/job-rows.ts'
import { claim, keysOf } from '../../support/scheduling.ts'

describeEachDatabase('claiming', (open) => {
  it('takes a ready job once: running, one attempt further, leased, with its attempt row', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const [claimed] = await claim(database)
    expect(claimed?.job).toMatchObject({ state: 'running', attempt: 1, try: 1, leaseOwner: 'scheduler' })
    expect(claimed?.project).toMatchObject({ slug: 'sample', workspace: '/srv/sample' })
    const row = await database.db.selectFrom('jobs').selectAll().executeTakeFirstOrThrow()
    expect(row).toMatchObject({ state: 'running', attempt: 1, lease_owner: 'scheduler' })
    const [attempt] = await database.db.selectFrom('attempts').selectAll().execute()
    expect(attempt).toMatchObject({ job_id: 'sample-a', number: 1, try: 1, scheduler_id: 'scheduler', ended_at: null })
    expect(await claim(database)).toEqual([])
  })

  it('starts by inherited priority, then the longest remaining path, then time since ready, then id', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'z-old' },
        { key: 'young' },
        { key: 'a-old' },
        { key: 'start-of-chain' },
        { key: 'next', dependsOn: ['start-of-chain'] },
        { key: 'needed-by-critical', priority: 'low' },
        { key: 'critical', priority: 'critical', dependsOn: ['needed-by-critical'] },
      ],
      rows: { young: { ready_at: 2000 } },
    })
    const order = ['needed-by-critical', 'start-of-chain', 'a-old', 'z-old', 'young']
    expect(keysOf(await claim(database, { limit: 2 }))).toEqual(order.slice(0, 2))
    expect(keysOf(await claim(database))).toEqual(order.slice(2))
  })

  it.each([
    ['a draft', { status: 'draft' as const, approved_hash: null }],
    ['paused', { status: 'paused' as const }],
    ['cancelled', { status: 'cancelled' as const }],
    ['changed since its approval', { plan_hash: 'other' }],
    ['never approved', { approved_hash: null }],
  ])('starts nothing of a project that is %s', async (_why, project) => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }], project })
    expect(await claim(database)).toEqual([])
  })

  it('leaves jobs alone that are held, quarantined, backing off or waiting', async () => {
    const clock = new FakeClock()
    const database = await open({ clock })
    const later = (await database.now()) + 60_000
    await storeRows(database, {
      jobs: ['held', 'quarantined', 'backoff', 'waiting', 'free'].map((key) => ({ key })),
      rows: {
        held: { hold: 'person' },
        quarantined: { hold: 'quarantine' },
        backoff: { run_at: later },
        waiting: { run_at: later, waits_for: 'provider' },
      },
    })
    expect(keysOf(await claim(database))).toEqual(['free'])
  })

  it('starts nothing in a database that is not trusted, nor in a workspace out of reach', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    expect(await claim(database, { facts: { databaseTrusted: false, unreachableProjects: [] } })).toEqual([])
    expect(await claim(database, { facts: { databaseTrusted: true, unreachableProjects: ['sample'] } })).toEqual([])
  })

  it('takes only what belongs to the project it is told to run', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    await storeRows(database, { slug: 'other', jobs: [{ key: 'b' }] })
    expect(keysOf(await claim(database, { projectSlug: 'other' }))).toEqual(['b'])
  })

  it.each([true, false])('never runs two jobs that exclude each other (table of locks: %s)', async (hasLockTable) => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'a', locks: ['port'] },
        { key: 'b', locks: ['port'] },
        { key: 'c', writes: ['src/**'] },
        { key: 'd', writes: ['src/api/**'] },
        { key: 'e', writes: ['docs/**'] },
      ],
    })
    const locksFor = (plan: { locks: readonly string[]; writes: readonly string[] | null }, workspace: string) => ({
      names: plan.locks,
      paths: (plan.writes ?? []).map((glob) => `${workspace}/${glob.replace('/**', '')}`),
    })
    const request = { hasLockTable, locksFor }
    expect(keysOf(await claim(database, request))).toEqual(['a', 'c', 'e'])
    expect(keysOf(await claim(database, request))).toEqual([])
  })

  it('looks past many heads that are locked out', async () => {
    const database = await open()
    const heads = Array.from({ length: 250 }, (_, index) => ({ key: `h${index}`, locks: ['port'] }))
    await storeRows(database, { jobs: [...heads, { key: 'z' }] })
    const locksFor = (plan: { locks: readonly string[] }) => ({ names: plan.locks, paths: [] })
    expect(keysOf(await claim(database, { limit: 1, locksFor }))).toEqual(['h0'])
    expect(keysOf(await claim(database, { limit: 1, locksFor }))).toEqual(['z'])
  })
})

describePostgres('claiming beside another scheduler', (open) => {
  it('takes each job once, also when heads that the other had locked come back between two pages', async () => {
    const database = await open()
    const heads = ['h0', 'h1', 'h2'].map((key) => ({ key, priority: 'high' as const, locks: ['port'] }))
    await storeRows(database, {
      jobs: [...heads, { key: 'a' }, { key: 'b', locks: ['port'] }, { key: 'c', locks: ['port'] }],
    })
    const other = await database.connect()
    const looking = await other.db.startTransaction().execute()
    await looking.selectFrom('jobs').select('id').where('key', 'like', 'h%').forUpdate().execute()
    // Asked for when the first page is read and the second is not yet.
    const lockLimits = () => looking.commit().execute()
    const dialect = { ...database.dialect, lockLimits }
    const locksFor = (plan: { locks: readonly string[] }) => ({ names: plan.locks, paths: [] })
    expect(keysOf(await claim({ ...database, dialect }, { limit: 3, locksFor }))).toEqual(['a', 'b'])
    expect(await database.db.selectFrom('attempts').select(['job_id', 'number']).orderBy('job_id').execute()).toEqual([
      { job_id: 'sample-a', number: 1 },
      { job_id: 'sample-b', number: 1 },
    ])
  })
})
