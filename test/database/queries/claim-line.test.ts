import { expect, it } from 'vitest'
import { describeEachDatabase } from '../../support/databases.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { storeRows } from '../../support/job-rows.ts'
import { anEnd, claim, finish, keysOf } from '../../support/scheduling.ts'

describeEachDatabase('the line of jobs to start', (open) => {
  it('leaves a job out until its time has come, and lets it join as ready since then', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'again' }] })
    const wait = anEnd({ outcome: 'wait', state: 'ready', waitsFor: 'provider', again: { untilMs: Date.now() + 1e6 } })
    await finish(database, await claim(database), wait)
    const row = () => database.db.selectFrom('jobs').select(['ready_at', 'run_at']).executeTakeFirstOrThrow()
    expect((await row()).ready_at).toBeNull()
    expect(await claim(database)).toEqual([])
    const dueAt = (await database.now()) - 1000
    await database.db.updateTable('jobs').set({ run_at: dueAt }).execute()
    expect(keysOf(await claim(database))).toEqual(['again'])
    expect(await row()).toEqual({ ready_at: dueAt, run_at: dueAt })
  })

  it('keeps the place of an interrupted job, and gives another try a new one', async () => {
    const clock = new FakeClock()
    const database = await open({ clock })
    await storeRows(database, { jobs: [{ key: 'interrupted' }, { key: 'retried' }] })
    const [first, second] = await claim(database)
    if (first === undefined || second === undefined) throw new Error('both should be claimed')
    const again = { state: 'ready', again: { delayMs: 0 } } as const
    await finish(database, [first], anEnd({ outcome: 'released', ...again }))
    await finish(database, [second], anEnd({ outcome: 'failed', nextTry: true, ...again }))
    const rows = await database.db.selectFrom('jobs').select(['key', 'ready_at']).orderBy('key').execute()
    expect(rows[0]).toEqual({ key: 'interrupted', ready_at: 1000 })
    expect(rows[1]?.ready_at).toBeGreaterThan(1000)
  })

  it('goes by one order over all projects, few or many, past those that may start nothing', async () => {
    for (const projects of [3, 20]) {
      const database = await open()
      for (let index = 0; index < projects; index++) {
        const slug = `p${String(index).padStart(2, '0')}`
        await storeRows(database, {
          slug,
          jobs: [
            { key: 'low', priority: 'low' },
            { key: 'high', priority: 'high' },
          ],
          ...(index % 5 === 1 ? { project: { status: 'paused' as const } } : {}),
          rows: { low: { ready_at: 5000 - index }, high: { ready_at: 1000 + index } },
        })
      }
      const startable = Array.from({ length: projects }, (_, index) => index).filter((index) => index % 5 !== 1)
      const names = (await claim(database, { limit: 100 })).map(({ job, project }) => `${project.slug} ${job.key}`)
      const named = (index: number, key: string) => `p${String(index).padStart(2, '0')} ${key}`
      expect(names).toEqual([
        ...startable.map((index) => named(index, 'high')),
        ...startable.toReversed().map((index) => named(index, 'low')),
      ])
    }
  })

  it('asks only of projects with something to start whether their workspace can be reached', async () => {
    const database = await open()
    await storeRows(database, { slug: 'here', jobs: [{ key: 'a' }] })
    await storeRows(database, { slug: 'away', jobs: [{ key: 'b' }] })
    await storeRows(database, { slug: 'done', jobs: [{ key: 'c' }], rows: { c: { state: 'completed' } } })
    const asked = new Set<string>()
    const canReach = (workspace: string) => {
      asked.add(workspace)
      return workspace === '/srv/here'
    }
    expect(keysOf(await claim(database, { canReach }))).toEqual(['a'])
    expect([...asked].toSorted()).toEqual(['/srv/away', '/srv/here'])
  })
})
