import { expect, it } from 'vitest'
import { finishAttempts, type FinishedAttempt } from '../../../src/database/queries/finish.ts'
import type { ClaimedJob } from '../../../src/database/queries/claim.ts'
import type { AttemptEnd } from '../../../src/domain/attempt-end.ts'
import { systemIds } from '../../../src/runtime/ids.ts'
import { describeEachDatabase, type TestDatabase } from '../../support/databases.ts'
import { eventKinds, statesByKey, storeRows } from '../../support/job-rows.ts'
import { allTables, anEnd, claim, deadEnd } from '../../support/scheduling.ts'

function finished({ job }: ClaimedJob, end: AttemptEnd): FinishedAttempt {
  return { jobId: job.id, attempt: job.attempt, projectId: job.projectId, end }
}

function finishAll(database: TestDatabase, finishes: readonly FinishedAttempt[]) {
  return finishAttempts(database, finishes, { ids: systemIds, tables: allTables })
}

describeEachDatabase('attempts that end together', (open) => {
  it('each have their own end: completed, dead, put back, no longer current', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [
        { key: 'done' },
        { key: 'dead' },
        { key: 'again' },
        { key: 'stale' },
        { key: 'after-done', dependsOn: ['done'] },
        { key: 'after-both', dependsOn: ['done', 'dead'] },
        { key: 'after-stale', dependsOn: ['stale'] },
      ],
    })
    const byKey = new Map((await claim(database)).map((claimed) => [claimed.job.key, claimed]))
    const of = (key: string, end: AttemptEnd) => {
      const claimed = byKey.get(key)
      if (claimed === undefined) throw new Error(`${key} was not claimed`)
      return finished(claimed, end)
    }
    await database.db.updateTable('jobs').set({ attempt: 2 }).where('key', '=', 'stale').execute()
    const result = { summary: 'it is "done" \u0000 \ud800', files: [], claims: [], reply: null }
    const reports = await finishAll(database, [
      of('stale', anEnd({ result })),
      of('done', anEnd({ result })),
      of('dead', { ...deadEnd, failure: { errorClass: 'evidence', message: 'no file', evidence: [] } }),
      of('again', anEnd({ outcome: 'released', state: 'ready', again: { delayMs: 0 } })),
    ])
    expect(reports.filter(({ accepted }) => !accepted).map(({ jobId }) => jobId)).toEqual(['sample-stale'])
    expect(await statesByKey(database)).toEqual({
      done: 'completed',
      dead: 'failed',
      again: 'ready',
      stale: 'running',
      'after-done': 'ready',
      'after-both': 'skipped',
      'after-stale': 'blocked',
    })
    const rows = await database.db.selectFrom('jobs').select(['key', 'result', 'error']).orderBy('key').execute()
    expect(rows.filter(({ result: kept }) => kept !== null).map(({ key }) => key)).toEqual(['done'])
    expect(rows.filter(({ error }) => error !== null).map(({ key }) => key)).toEqual(['dead'])
    const attempts = await database.db.selectFrom('attempts').select(['job_id', 'outcome']).orderBy('job_id').execute()
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['released', 'failed', 'completed', null])
    expect((await eventKinds(database)).slice(-5).toSorted()).toEqual([
      'after-both skipped because sample-dead',
      'again released',
      'dead failed',
      'done completed',
      'stale rejected_write',
    ])
  })

  it('end once where one is told twice', async () => {
    const database = await open()
    await storeRows(database, {
      jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }, { key: 'c', dependsOn: ['a', 'b'] }],
    })
    const [claimed] = await claim(database)
    if (claimed === undefined) throw new Error('it should be claimed')
    const reports = await finishAll(database, [finished(claimed, anEnd()), finished(claimed, deadEnd)])
    expect(reports.map(({ accepted, state }) => [accepted, state])).toEqual([
      [true, 'completed'],
      [false, null],
    ])
    const counts = await database.db.selectFrom('jobs').select(['key', 'blocked_by']).orderBy('key').execute()
    expect(counts.map(({ blocked_by: left }) => left)).toEqual([0, 0, 1])
  })

  it('count each dependant down by all of them, in either of two transactions at once', async () => {
    const database = await open()
    const other = await database.connect()
    const parents = Array.from({ length: 40 }, (_, index) => `p${String(index).padStart(2, '0')}`)
    const children = ['x', 'y', 'z'].map((key) => ({ key, dependsOn: parents }))
    await storeRows(database, { jobs: [...parents.map((key) => ({ key })), ...children] })
    const claimed = await claim(database, { limit: 40 })
    const half = (odd: number) => claimed.filter((_, index) => index % 2 === odd).map((one) => finished(one, anEnd()))
    const options = { ids: systemIds, tables: allTables }
    const reports = await Promise.all([
      finishAttempts(database, half(0), options),
      finishAttempts(other, half(1), options),
    ])
    expect(
      reports
        .flat()
        .flatMap(({ released }) => released)
        .toSorted(),
    ).toEqual(['sample-x', 'sample-y', 'sample-z'])
    const left = await database.db
      .selectFrom('jobs')
      .select(['state', 'blocked_by'])
      .where('key', 'in', ['x', 'y', 'z'])
      .execute()
    expect(left).toEqual(children.map(() => ({ state: 'ready', blocked_by: 0 })))
  })
})
