import { expect, it } from 'vitest'
import { describeEachDatabase } from '../support/databases.ts'
import { storeRows } from '../support/job-rows.ts'
import { aRun, claim, completedOutcome } from '../support/scheduling.ts'

describeEachDatabase('promise 3, one start', (open) => {
  it('gives each attempt to one of eight schedulers that claim at once', async () => {
    const database = await open()
    await storeRows(database, { jobs: Array.from({ length: 60 }, (_, index) => ({ key: `j${index}` })) })
    const connections = await Promise.all(Array.from({ length: 8 }, () => database.connect({ connections: 1 })))
    const claims = await Promise.all(
      connections.flatMap((connection, index) =>
        [3, 5].map((limit) => claim(connection, { schedulerId: `s${index}`, limit })),
      ),
    )
    const keys = claims.flat().map(({ job }) => job.key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.length).toBe(60)
    expect(await database.db.selectFrom('attempts').select('job_id').execute()).toHaveLength(60)
  })

  it('runs every job of a project once, whatever the number of schedulers', async () => {
    const database = await open()
    const layer = (name: string, behind: readonly string[]) =>
      Array.from({ length: 6 }, (_, index) => ({ key: `${name}${index}`, dependsOn: behind }))
    const first = layer('a', [])
    const second = layer(
      'b',
      first.map(({ key }) => key),
    )
    await storeRows(database, { jobs: [...first, ...second] })
    const starts: string[] = []
    const execute = async ({ job }: { job: { key: string } }) => (starts.push(job.key), completedOutcome)
    const connections = await Promise.all(Array.from({ length: 4 }, () => database.connect({ connections: 2 })))
    const runs = connections.map((connection) => aRun(connection, { deps: { execute } }).run.run())
    const reports = await Promise.all(runs)
    expect(starts.toSorted()).toEqual([...first, ...second].map(({ key }) => key).toSorted())
    for (const report of reports) expect(report).toEqual({ end: 'idle', counts: { completed: 12 } })
  })
})
