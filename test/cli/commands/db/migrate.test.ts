import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { migrations } from '../../../../migrations/index.ts'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../../../support/databases.ts'
import { runOrch, runOrchProcess } from '../../../support/run-orch.ts'

interface MigrateDocument {
  readonly kind: string
  readonly version: number
  readonly data: {
    readonly dryRun: boolean
    readonly remaining: number
    readonly steps: readonly { readonly name: string; readonly statements: readonly string[] }[]
  }
}

function document(stdout: string): MigrateDocument {
  return JSON.parse(stdout) as MigrateDocument
}

/** A call against one of the test databases. */
function callAgainst({ env }: TestDatabase) {
  const cwd = temporaryDirectory()
  return {
    orch: (...argv: string[]) => runOrch(argv, { cwd, env }),
    process: (...argv: string[]) => runOrchProcess(argv, { cwd, env }),
  }
}

describeEachDatabase('orch db migrate', (open) => {
  it('creates every table, says so, and has nothing to do the second time', async () => {
    const { orch } = callAgainst(await open({ migrate: false }))
    const first = await orch('db', 'migrate')
    expect(first.exitCode).toBe(0)
    expect(first.stdout).toContain(`${migrations.length} migrations committed`)
    expect(first.stderr).toContain('applied  0001-provider-config')
    const second = await orch('db', 'migrate')
    expect(second).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing to do') })
  })

  it('prints one JSON document with the statements that were sent', async () => {
    const { orch } = callAgainst(await open({ migrate: false }))
    const { stdout, stderr } = await orch('db', 'migrate', '--json', '--to', '0002')
    const { kind, version, data } = document(stdout)
    expect([kind, version, stderr]).toEqual(['db.migrate', 1, ''])
    expect([data.dryRun, data.steps.length, data.remaining]).toEqual([false, 2, migrations.length - 2])
    expect(data.steps[1]?.statements.at(-1)).toContain('insert into')
  })

  it('exits 10 while something is pending, but only when asked to', async () => {
    const { orch } = callAgainst(await open({ migrate: false }))
    expect((await orch('db', 'migrate', '--dry-run')).exitCode).toBe(0)
    expect((await orch('db', 'migrate', '--dry-run', '--exit-code')).exitCode).toBe(10)
    expect((await orch('db', 'migrate', '--exit-code', '--to', '0001')).exitCode).toBe(10)
    expect((await orch('db', 'migrate', '--exit-code')).exitCode).toBe(0)
    expect((await orch('db', 'migrate', '--exit-code', '--dry-run')).exitCode).toBe(0)
  })

  it('exits 12 on drift, in the dry run too, and names it', async () => {
    const database = await open()
    await database.db.updateTable('orch_migrations').set({ checksum: 'edited' }).where('sequence', '=', 1).execute()
    const { orch } = callAgainst(database)
    const run = await orch('db', 'migrate')
    expect(run).toMatchObject({ exitCode: 12, stdout: '', stderr: expect.stringContaining('ORCH_MIGRATION_DRIFT') })
    const dry = await orch('db', 'migrate', '--dry-run')
    expect(dry).toMatchObject({ exitCode: 12, stdout: expect.stringContaining('0001-provider-config was edited') })
  })

  it('lets five processes start at once: each migration is applied once, all exit 0', async () => {
    const database = await open({ migrate: false })
    const { process } = callAgainst(database)
    const runs = await Promise.all(Array.from({ length: 5 }, () => process('db', 'migrate', '--json')))
    expect(runs.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(Array.from({ length: 5 }, () => [0, '']))
    const applied = runs.flatMap(({ stdout }) => document(stdout).data.steps.map(({ name }) => name))
    expect(applied.toSorted()).toEqual(migrations.map(({ name }) => name))
    const rows = await database.db.selectFrom('orch_migrations').select('name').orderBy('sequence').execute()
    expect(rows.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name))
  })
})

describe('orch db migrate in a directory', () => {
  it('creates the file and trusts it; a database that was there is not trusted by migrating it', async () => {
    const cwd = temporaryDirectory()
    expect((await runOrch(['db', 'migrate', '--quiet'], { cwd })).stderr).toBe('')
    const path = join(cwd, '.orch', 'orch.db')
    expect(existsSync(path)).toBe(true)
    const trusted = await runOrch(['db', 'trust', '--json'], { cwd })
    expect(JSON.parse(trusted.stdout)).toMatchObject({ data: { changed: false } })
    const stranger = await runOrch(['db', 'migrate'], { cwd: temporaryDirectory(), env: { ORCH_DATABASE_URL: path } })
    expect(stranger).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('orch db trust') })
  })

  it('writes nothing in a dry run: no file, no directory', async () => {
    const cwd = temporaryDirectory()
    const { exitCode, stdout } = await runOrch(['db', 'migrate', '--dry-run'], { cwd })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('create table "jobs"')
    expect(stdout).toContain('insert into "orch_migrations"')
    expect(stdout).toContain('Nothing was written')
    expect(readdirSync(cwd).filter((name) => name !== '.home')).toEqual([])
  })

  it('keeps every byte of a database in a dry run', async () => {
    const cwd = temporaryDirectory()
    const path = join(cwd, 'my.db')
    await runOrch(['db', 'migrate', '--db', path, '--to', '0004'], { cwd })
    const before = readFileSync(path)
    const listing = readdirSync(cwd)
    expect((await runOrch(['db', 'migrate', '--dry-run', '--db', path], { cwd })).exitCode).toBe(0)
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(readdirSync(cwd)).toEqual(listing)
  })

  it.each([
    [['--dryrun'], 2, 'Did you mean --dry-run?'],
    [['--dry-run:x'], 2, 'ORCH_USAGE'],
    [['--dry-run', 'now'], 2, 'ORCH_USAGE'],
    [['--lock-timeout', 'soon'], 2, '--lock-timeout'],
    [['--to', '0999'], 4, 'ORCH_NOT_FOUND'],
  ])('%j ends with %i and touches nothing', async (flags, exitCode, text) => {
    const cwd = temporaryDirectory()
    const result = await runOrch(['db', 'migrate', ...flags, '--dry-run'], { cwd })
    expect(result).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(text) })
    expect(readdirSync(cwd).filter((name) => name !== '.home')).toEqual([])
  })

  it('exits 14 when another process keeps the lock', async () => {
    const cwd = temporaryDirectory()
    const path = join(cwd, 'my.db')
    const holder = new SqliteFile(path)
    holder.pragma('journal_mode = wal')
    holder.exec('begin immediate')
    const result = await runOrch(['db', 'migrate', '--lock-timeout', '0', '--db', path], { cwd })
    holder.close()
    expect(result).toMatchObject({ exitCode: 14, stderr: expect.stringContaining('ORCH_MIGRATION_LOCKED') })
  })

  it('exits 6 when the server cannot be reached', async () => {
    const cwd = temporaryDirectory()
    const argv = ['db', 'migrate', '--db', 'postgres://me:s3cret@127.0.0.1:1/x']
    const result = await runOrch(argv, { cwd })
    expect(result).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('ORCH_DATABASE_UNREACHABLE') })
    expect(result.stderr).not.toContain('s3cret')
  })
})
