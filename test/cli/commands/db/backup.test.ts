import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { migrations } from '../../../../migrations/index.ts'
import { checkDatabase } from '../../../../src/database/migration/check-database.ts'
import { migrate } from '../../../../src/database/migration/migrate.ts'
import { systemClock } from '../../../../src/runtime/clock.ts'
import { ownIdentity } from '../../../../src/workspace/process-identity.ts'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../../../support/databases.ts'
import { storeRows } from '../../../support/job-rows.ts'
import { documentOf, runOrch, runOrchDone } from '../../../support/run-orch.ts'

interface BackupDocument {
  readonly path: string
  readonly migration: string
  readonly reason: string
  readonly tables: readonly { readonly name: string; readonly rows: number }[]
}

interface MigrateDocument {
  readonly backup: BackupDocument | null
  readonly steps: readonly unknown[]
}

interface RestoreDocument {
  readonly safety: BackupDocument | null
  readonly aside: string | null
}

/** Calls against one database from one working directory, where the backups of a server are kept too. */
function callsTo({ env }: TestDatabase) {
  const cwd = temporaryDirectory()
  const more: Record<string, string> = {}
  const options = () => ({ cwd, env: { ...env, ...more } })
  return {
    cwd,
    env: more,
    orch: (...argv: string[]) => runOrch(argv, options()),
    data: async <T>(...argv: string[]) => documentOf<T>(await runOrchDone([...argv, '--json'], options())).data,
  }
}

/** Every row of what a person can tell apart, as a witness reads it. */
async function contentOf(database: TestDatabase): Promise<string> {
  const witness = await database.connect()
  const { db } = witness
  const jobs = await db.selectFrom('jobs').selectAll().orderBy('id').execute()
  const edges = await db.selectFrom('job_dependencies').selectAll().orderBy('job_id').execute()
  const ledger = await db.selectFrom('orch_migrations').selectAll().orderBy('sequence').execute()
  await witness.close()
  return JSON.stringify([jobs, edges, ledger])
}

const weird = 'quotes \' " \\ NUL-free \u0001 line\nbreak \u2028 \u{1f600} [1,"2"]'

describeEachDatabase('orch db backup', (open) => {
  it('is brought back to the last byte, and what was there meanwhile is saved first', async () => {
    const database = await open()
    const { orch, data } = callsTo(database)
    const jobs = Array.from({ length: 700 }, (_, index) => ({ key: `job-${index}` }))
    await storeRows(database, { jobs, rows: { 'job-3': { title: weird, priority: -5 } } })
    const before = await contentOf(database)
    const backup = await data<BackupDocument>('db', 'backup')
    expect(backup.tables).toContainEqual({ name: 'jobs', rows: 700 })
    await database.db.deleteFrom('jobs').where('id', '<', 'sample-job-5').execute()
    await storeRows(database, { slug: 'later', jobs: [{ key: 'x' }] })
    const meanwhile = await contentOf(database)
    await database.close()
    const { safety } = await data<RestoreDocument>('db', 'restore', backup.path, '--yes')
    expect(await contentOf(database)).toBe(before)
    expect(safety?.reason).toBe('before-restore')
    expect((await orch('db', 'check')).exitCode).toBe(0)
    await data('db', 'restore', safety?.path ?? '', '--yes')
    expect(await contentOf(database)).toBe(meanwhile)
  })

  it('keeps the newest of each kind, for the owner only, and never touches a file that was named', async () => {
    const { orch, data, cwd, env } = callsTo(await open())
    env['ORCH_BACKUPS_KEEP'] = '2'
    const named = join(cwd, 'mine')
    await data('db', 'backup', '--to', named)
    const taken: string[] = []
    for (let round = 0; round < 4; round++) taken.push((await data<BackupDocument>('db', 'backup')).path)
    const directory = dirname(taken[0] ?? '')
    expect(readdirSync(directory).toSorted()).toEqual(taken.slice(2).map((path) => path.slice(directory.length + 1)))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const path of [named, ...taken.slice(2)]) expect(statSync(path).mode & 0o777).toBe(0o600)
    const list = await data<{ readonly backups: readonly BackupDocument[] }>('db', 'backup', '--list')
    expect(list.backups.map(({ path }) => path)).toEqual(taken.slice(2).toReversed())
    const again = await orch('db', 'backup', '--to', named)
    expect(again).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('never takes the place') })
    expect(readdirSync(cwd).filter((name) => name !== '.home' && name !== '.orch')).toEqual(['mine'])
  })
})

describeEachDatabase('orch db migrate', (open) => {
  it('backs up before the first statement, only when something is pending; brought back, the previous orch goes on', async () => {
    const database = await open({ migrate: false })
    const { data, orch } = callsTo(database)
    const first = await data<MigrateDocument>('db', 'migrate', '--to', '0010')
    // Nothing was there that could be lost.
    expect(first.backup).toBeNull()
    await storeRows(database, { jobs: [{ key: 'a' }] })
    const before = await contentOf(database)
    const { backup, steps } = await data<MigrateDocument>('db', 'migrate')
    expect(backup).toMatchObject({ migration: '0010', reason: 'before-migrate' })
    expect(steps.length).toBe(migrations.length - 10)
    expect((await data<MigrateDocument>('db', 'migrate')).backup).toBeNull()
    const down = await orch('db', 'migrate', '--to', '0010')
    expect(down).toMatchObject({ exitCode: 5, stderr: expect.stringContaining(`orch db restore ${backup?.path}`) })
    await database.close()
    await data('db', 'restore', backup?.path ?? '', '--yes')
    expect(await contentOf(database)).toBe(before)
    // The previous orch is this one without the later migrations: it finds nothing wrong and nothing to do.
    const previous = migrations.slice(0, 10)
    const restored = await database.connect()
    expect((await checkDatabase(restored, previous)).findings).toEqual([])
    expect((await restored.dialect.indexNames(restored.db)).has('jobs_ready')).toBe(false)
    const run = await migrate(restored, { migrations: previous, clock: systemClock, toolVersion: 'previous' })
    expect(run).toMatchObject({ steps: [], remaining: 0 })
  })

  it('ends with 15 before any statement when the backup cannot be made', async () => {
    const database = await open({ migrate: false })
    const { data, orch } = callsTo(database)
    await data('db', 'migrate', '--to', '0010')
    const { directory } = await data<{ readonly directory: string }>('db', 'backup', '--list')
    expect(existsSync(directory)).toBe(false)
    mkdirSync(dirname(directory), { recursive: true })
    writeFileSync(directory, 'in the way')
    const { exitCode, stderr } = await orch('db', 'migrate')
    expect([exitCode, stderr]).toEqual([15, expect.stringContaining('ORCH_BACKUP_FAILED')])
    const ledger = await database.db.selectFrom('orch_migrations').select('name').execute()
    expect(ledger.length).toBe(10)
    expect((await database.dialect.shape(database.db)).has('tasks')).toBe(false)
  })
})

describeEachDatabase('orch db restore', (open) => {
  it('is refused while a scheduler works on the database, and changes nothing', async () => {
    const database = await open()
    const { data, orch } = callsTo(database)
    const { path } = await data<BackupDocument>('db', 'backup')
    const { host, bootId, pidNamespace, pid, startTime } = ownIdentity()
    const times = { started_at: 1, heartbeat_at: await database.now(), stopped_at: null }
    const place = { host, boot_id: bootId, pid_namespace: pidNamespace, pid, process_started_at: startTime }
    await database.db
      .insertInto('scheduler_instances')
      .values({ id: 'runner', version: '1', concurrency: 1, ...times, ...place })
      .execute()
    const before = await contentOf(database)
    await database.close()
    const { exitCode, stderr } = await orch('db', 'restore', path, '--yes')
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining(`process ${pid} on`)])
    expect(await contentOf(database)).toBe(before)
  })

  it('asks first, refuses a backup of a newer orch, and finds a kept one by its name', async () => {
    const database = await open()
    const { data, orch, cwd } = callsTo(database)
    const row = { sequence: 18, name: '0018-later', checksum: 'x', outcome: 'applied' as const }
    const { path } = await data<BackupDocument>('db', 'backup')
    const name = path.slice(path.lastIndexOf('/') + 1)
    expect((await orch('db', 'restore', name)).stderr).toContain('--yes')
    expect((await orch('db', 'restore', 'no-such', '--yes')).exitCode).toBe(4)
    await database.db
      .insertInto('orch_migrations')
      .values({ ...row, duration_ms: 1, tool_version: '9', applied_at: 1 })
      .execute()
    await database.close()
    // A file is copied whole, whatever is in it; only what brings it back must know what it means.
    const newer = await orch('db', 'backup', '--to', join(cwd, 'newer'))
    const met = newer.exitCode === 0 ? await orch('db', 'restore', 'newer', '--yes') : newer
    expect([met.exitCode, met.stderr]).toEqual([12, expect.stringContaining('0018-later')])
    expect((await orch('db', 'restore', name, '--yes')).exitCode).toBe(0)
  })
})
