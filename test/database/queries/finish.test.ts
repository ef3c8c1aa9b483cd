import { expect, it } from 'vitest'
import { finishAttempts } from '../../../src/database/queries/finish.ts'
import type { AttemptEnd } from '../../../src/domain/attempt-end.ts'
import { systemIds } from '../../../src/runtime/ids.ts'
import { describeEachDatabase } from '../../support/databases.ts'
import { eventKinds, statesByKey, storeRows } from '../../support/job-rows.ts'
import { allTables, anEnd, claim, deadEnd, finish, keysOf } from '../../support/scheduling.ts'

describeEachDatabase('finishing', (open) => {
  it('completes a job and makes ready what waited for it alone', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'a' },
        { key: 'b' },
        { key: 'after-a', dependsOn: ['a'] },
        { key: 'after-both', dependsOn: ['a', 'b'] },
      ],
    })
    const claimed = await claim(database)
    const result = { summary: 'done', files: [], claims: [], reply: null }
    const [report] = await finish(database, claimed.slice(0, 1), anEnd({ result }))
    expect(report).toMatchObject({ accepted: true, state: 'completed', released: ['sample-after-a'] })
    expect(await statesByKey(database)).toEqual({
      a: 'completed',
      b: 'running',
      'after-a': 'ready',
      'after-both': 'blocked',
    })
    await finish(database, claimed.slice(1))
    expect(keysOf(await claim(database)).toSorted()).toEqual(['after-a', 'after-both'])
  })

  it('releases a job once whose dependencies end in one transaction', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b' }, { key: 'c', dependsOn: ['a', 'b'] }] })
    const reports = await finish(database, await claim(database))
    expect(reports.flatMap((report) => report.released)).toEqual(['sample-c'])
    const row = await database.db.selectFrom('jobs').selectAll().where('key', '=', 'c').executeTakeFirstOrThrow()
    expect(row).toMatchObject({ state: 'ready', blocked_by: 0 })
  })

  it('skips everything behind a failed job, naming the job that failed', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'a' },
        { key: 'b', dependsOn: ['a'] },
        { key: 'c', dependsOn: ['b'] },
        { key: 'd', dependsOn: ['a', 'c'] },
        { key: 'free' },
      ],
    })
    const claimed = await claim(database)
    const [report] = await finish(
      database,
      claimed.filter(({ job }) => job.key === 'a'),
      deadEnd,
    )
    expect(report?.skipped.toSorted()).toEqual(['sample-b', 'sample-c', 'sample-d'])
    expect(await statesByKey(database)).toEqual({
      a: 'failed',
      b: 'skipped',
      c: 'skipped',
      d: 'skipped',
      free: 'running',
    })
    const causes = await database.db
      .selectFrom('jobs')
      .select('skipped_because')
      .where('state', '=', 'skipped')
      .execute()
    expect(causes.map((row) => row.skipped_because)).toEqual(['sample-a', 'sample-a', 'sample-a'])
    expect((await eventKinds(database)).slice(-3).toSorted()).toEqual([
      'b skipped because sample-a',
      'c skipped because sample-a',
      'd skipped because sample-a',
    ])
  })

  it.each(['dead first', 'completed first', 'together'])(
    'leaves to a job that ran before a changed plan put a dead one in front of it what is behind it: %s',
    async (order) => {
      const database = await open()
      await storeRows(database, {
        jobs: [
          { key: 'a' },
          { key: 'late', dependsOn: ['a'] },
          { key: 'ran' },
          { key: 'other' },
          { key: 'last', dependsOn: ['ran', 'other'] },
        ],
      })
      await claim(database)
      const end = (key: string, how: AttemptEnd) => ({
        jobId: `sample-${key}`,
        attempt: 1,
        projectId: 'sample',
        end: how,
      })
      await database.db
        .insertInto('job_dependencies')
        .values({ job_id: 'sample-ran', depends_on_id: 'sample-late' })
        .execute()
      const ends = [end('a', deadEnd), end('ran', anEnd())]
      if (order === 'completed first') ends.reverse()
      const groups = order === 'together' ? [ends] : ends.map((one) => [one])
      for (const group of groups) await finishAttempts(database, group, { ids: systemIds, tables: allTables })
      expect(await statesByKey(database)).toMatchObject({ late: 'skipped', ran: 'completed', last: 'blocked' })
      await finishAttempts(database, [end('other', anEnd())], { ids: systemIds, tables: allTables })
      expect(await statesByKey(database)).toMatchObject({ last: 'ready' })
    },
  )

  it('puts a failed try back with the next try number and its failure', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const failure = { errorClass: 'evidence', message: 'no file', evidence: [] }
    const end = anEnd({ outcome: 'failed', state: 'ready', nextTry: true, again: { delayMs: 5000 }, failure })
    const before = await database.now()
    await finish(database, await claim(database), end)
    const row = await database.db.selectFrom('jobs').selectAll().executeTakeFirstOrThrow()
    expect(row).toMatchObject({ state: 'ready', try: 2, attempt: 1, lease_owner: null, lease_expires_at: null })
    expect(row.run_at).toBeGreaterThanOrEqual(before + 5000)
    const [attempt] = await database.db.selectFrom('attempts').selectAll().execute()
    expect(attempt).toMatchObject({ outcome: 'failed', error_class: 'evidence' })
    expect(attempt?.ended_at).not.toBeNull()
  })

  it('quarantines after three interruptions in a row, and forgets them on progress', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const interrupted = anEnd({ outcome: 'released', state: 'ready', again: { delayMs: 0 }, interruption: true })
    const interrupt = async () => (await finish(database, await claim(database), interrupted))[0]?.hold
    const commit = (attempt: number, ordinal: number) =>
      database.db
        .insertInto('errands')
        .values({
          id: `e${ordinal}`,
          job_id: 'sample-a',
          try: 1,
          ordinal,
          task_ordinal: 0,
          kind: 'tool',
          name: 'read',
          request_hash: '',
          request: '{}',
          status: 'done',
          attempt,
          started_at: 1,
        })
        .execute()
    // What is observed before the first errand is no progress.
    await commit(1, 0)
    expect(await interrupt()).toBeNull()
    expect(await interrupt()).toBeNull()
    const claimed = await claim(database)
    await commit(3, 1)
    expect((await finish(database, claimed, interrupted))[0]?.hold).toBeNull()
    expect([await interrupt(), await interrupt(), await interrupt()]).toEqual([null, null, 'quarantine'])
    expect(await claim(database)).toEqual([])
    expect(await eventKinds(database)).toContain('a quarantined')
  })

  it('changes nothing for an attempt that is no longer current, but leaves an event and gives back its locks', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const locksFor = () => ({ names: ['port'], paths: [] })
    const stale = await claim(database, { locksFor })
    await finish(database, stale, anEnd({ outcome: 'released', state: 'ready', again: { delayMs: 0 } }))
    await claim(database)
    const before = await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()
    const reports = await finishAttempts(
      database,
      stale.map(({ job }) => ({ jobId: job.id, attempt: job.attempt, projectId: job.projectId, end: anEnd() })),
      { ids: systemIds, tables: allTables },
    )
    expect(reports).toMatchObject([{ accepted: false, released: [], skipped: [] }])
    expect(await database.db.selectFrom('jobs').selectAll().orderBy('id').execute()).toEqual(before)
    expect(await eventKinds(database)).toContain('a rejected_write')
    expect(await database.db.selectFrom('job_locks').selectAll().execute()).toEqual([])
  })
})
