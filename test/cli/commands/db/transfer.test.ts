import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { describePostgres, temporaryDirectory, type TestDatabase } from '../../../support/databases.ts'
import { storeRows } from '../../../support/job-rows.ts'
import { documentOf, runOrch, runOrchProcess } from '../../../support/run-orch.ts'
import { openRaw, transferFile } from '../../../support/transfer-places.ts'

interface MovedDocument {
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly hash: string }[]
  readonly trusted: boolean
  readonly next: string
}

/** A call in a directory of its own; the server's address carries a password. */
function callsBeside({ url, schema = '' }: TestDatabase) {
  const cwd = temporaryDirectory()
  const secret = 's3cret-pass'
  const to = url.replace('postgres@', `postgres:${secret}@`)
  const env = { ORCH_DB_SCHEMA: schema }
  return { cwd, secret, to, env, orch: (...argv: string[]) => runOrch(argv, { cwd, env }) }
}

describePostgres('orch db transfer', (open) => {
  it('moves a project to the server, says how to go on there, and takes it home again', async () => {
    const server = await open({ migrate: false })
    const { orch, to, secret, cwd, env } = callsBeside(server)
    expect((await orch('db', 'migrate', '--quiet')).exitCode).toBe(0)
    const { raw } = openRaw(join(cwd, '.orch', 'orch.db'))
    raw.exec(`insert into roles values ('Writer', 't', 'p', '[]', '[]', '[]', null, null, 7, 1)`)
    raw.close()
    const moved = await orch('db', 'transfer', '--to', to, '--json')
    expect([moved.exitCode, moved.stderr, moved.stdout.includes(secret)]).toEqual([0, '', false])
    const { tables, trusted, next } = documentOf<MovedDocument>(moved).data
    expect(tables.find(({ name }) => name === 'roles')).toMatchObject({ rows: 1 })
    expect([trusted, next]).toEqual([true, `export ORCH_DATABASE_URL='${server.url}' ORCH_DB_SCHEMA=${server.schema}`])
    const there = await runOrch(['roles', 'list'], { cwd, env: { ...env, ORCH_DATABASE_URL: server.url } })
    expect(there).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('Writer') })
    const home = await orch('db', 'transfer', '--db', to, '--to', 'home.db')
    expect(home).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('copied roles: 1 of 1 rows') })
    expect(home.stdout).toContain(`export ORCH_DATABASE_URL='${join(cwd, 'home.db')}'`)
    expect(home.stdout + home.stderr).not.toContain(secret)
    const time = openRaw(join(cwd, 'home.db')).raw.prepare('select created_at from roles').pluck().get()
    expect(time).toBe(7n)
  })

  it('shows in a dry run what it would move and what stands in its way, and exits 5 for that', async () => {
    const server = await open()
    const { orch, cwd } = callsBeside(server)
    const { path, raw } = transferFile()
    raw.exec(`insert into orchestrator_config values ('clear-secret', '{bad', 1)`)
    raw.close()
    const files = readdirSync(dirname(path))
    const dry = await orch('db', 'transfer', '--db', path, '--to', server.url, '--dry-run')
    expect(dry.exitCode).toBe(5)
    expect(dry.stdout).toContain('The target would refuse 1 values:')
    expect(dry.stdout).toContain('orchestrator_config  key="clear-secret"  value: text that is not valid JSON')
    expect(dry.stdout).toContain('Nothing was written')
    await storeRows(server, { jobs: [{ key: 'theirs' }] })
    const both = await orch('db', 'transfer', '--db', path, '--to', server.url, '--dry-run', '--json')
    expect(both.exitCode).toBe(5)
    expect(documentOf(both).data).toMatchObject({
      dryRun: true,
      targetExists: true,
      obstacles: [{ message: expect.stringContaining('projects (1), jobs (1)') }],
      refused: [{ table: 'orchestrator_config', key: { key: 'clear-secret' }, column: 'value' }],
    })
    const real = await orch('db', 'transfer', '--db', path, '--to', server.url)
    expect(real).toMatchObject({ exitCode: 5, stdout: '', stderr: expect.stringContaining('ORCH_CONFLICT') })
    await server.db.deleteFrom('jobs').execute()
    await server.db.deleteFrom('projects').execute()
    const refused = await orch('db', 'transfer', '--db', path, '--to', server.url)
    expect(refused).toMatchObject({ exitCode: 5, stdout: '', stderr: expect.stringContaining('ORCH_VALUES_REFUSED') })
    expect([readdirSync(dirname(path)), readdirSync(cwd)]).toEqual([files, ['.home']])
  })

  it.each([
    [[], 2, '--to'],
    [['--to', 'other.db'], 2, 'between a SQLite file and a Postgres server'],
    [['--to', 'postgres://me:s3cret@127.0.0.1:1/x'], 6, 'ORCH_DATABASE_UNREACHABLE'],
    [['--to', 'postgres://me:s3cret@127.0.0.1:1/x', '--dry-runn'], 2, 'Did you mean --dry-run?'],
  ])('%j ends with %i and moves nothing', async (flags, exitCode, text) => {
    const { path } = transferFile()
    const cwd = temporaryDirectory()
    const result = await runOrch(['db', 'transfer', '--db', path, ...flags], { cwd })
    expect(result).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(text) })
    expect(result.stderr).not.toContain('s3cret')
    expect(readdirSync(cwd)).toEqual(['.home'])
  })

  it('does not trust what came from a database that is not trusted', async () => {
    const server = await open({ migrate: false })
    const { orch } = callsBeside(server)
    const { path } = transferFile()
    const moved = await orch('db', 'transfer', '--db', path, '--to', server.url, '--json')
    expect(documentOf<MovedDocument>(moved).data).toMatchObject({
      trusted: false,
      next: expect.stringMatching(/&& orch db trust$/),
    })
  })

  it('works as the built program', async () => {
    const server = await open({ migrate: false })
    const { cwd, env } = callsBeside(server)
    const argv = ['db', 'transfer', '--db', transferFile().path, '--to', server.url]
    const result = await runOrchProcess(argv, { cwd, env })
    expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Every table was read back') })
  })
})
