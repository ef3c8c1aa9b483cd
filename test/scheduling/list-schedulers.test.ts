import { expect, it } from 'vitest'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../support/databases.ts'
import { storeRows } from '../support/job-rows.ts'
import { documentOf, runOrch } from '../support/run-orch.ts'
import { aScheduler, claim, pendingWork } from '../support/scheduling.ts'
import { insertSchedulerInstance } from '../../src/database/repositories/scheduler-instance-repository.ts'
import { ownIdentity } from '../../src/workspace/process-identity.ts'

interface Listed {
  readonly id: string
  readonly state: string
  readonly pid: number | null
  readonly jobs: readonly string[]
}

async function schedulers(database: TestDatabase) {
  const cwd = temporaryDirectory()
  const result = await runOrch(['jobs', 'list', '--schedulers', '--json', '--db', database.url], {
    cwd,
    env: database.env,
  })
  expect(result).toMatchObject({ exitCode: 0 })
  return documentOf<Listed[]>(result)
}

/** A scheduler of a process, as its own row describes it. */
async function announce(
  database: TestDatabase,
  id: string,
  row: { pid?: number; heartbeatAt: number; stoppedAt?: number },
) {
  const { startTime: _start, ...identity } = ownIdentity()
  await insertSchedulerInstance(database.db, {
    ...identity,
    processStartedAt: '',
    id,
    version: '0.1.0',
    concurrency: 4,
    startedAt: 1000,
    stoppedAt: null,
    ...row,
  })
}

describeEachDatabase('orch jobs list --schedulers', (open) => {
  it('says who runs what, and which of them live', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b' }, { key: 'c' }] })
    const { scheduler } = aScheduler(database, {
      deps: { execute: pendingWork().execute },
      options: { concurrency: 2 },
    })
    await scheduler.tick()
    const now = await database.now()
    await announce(database, 'stopped', { heartbeatAt: now, stoppedAt: now })
    await announce(database, 'stale', { heartbeatAt: now - 60_000 })
    // No process has this number: the largest one Linux gives is below it.
    await announce(database, 'dead', { heartbeatAt: now, pid: 2 ** 22 + 1 })
    await announce(database, 'last-month', { heartbeatAt: now - 30 * 24 * 60 * 60_000 })
    const { data } = await schedulers(database)
    expect(Object.fromEntries(data.map(({ id, state, jobs }) => [id, [state, ...jobs]]))).toEqual({
      [scheduler.id]: ['alive', 'sample/a', 'sample/b'],
      stopped: ['stopped'],
      stale: ['stale'],
      dead: ['dead'],
    })
    const text = await runOrch(['jobs', 'list', '--schedulers', '--db', database.url], {
      cwd: temporaryDirectory(),
      env: database.env,
    })
    expect(text.stdout).toMatch(
      new RegExp(`${scheduler.id.slice(-8)} +alive .* ${process.pid} +0.0.0 .*sample/a, sample/b`),
    )
  })

  it('without its table names those that own running jobs, and says what is missing', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    await claim(database, { schedulerId: 'somebody' })
    await database.db.schema.dropTable('scheduler_instances').execute()
    const { data, warnings } = await schedulers(database)
    expect(data).toMatchObject([{ id: 'somebody', state: 'alive', pid: null, jobs: ['sample/a'] }])
    expect(JSON.stringify(warnings)).toMatch(/scheduler_instances.*orch db migrate/)
  })
})
