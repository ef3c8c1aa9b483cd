import { readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Migration } from '../../../../src/database/migration/migration.ts'
import { migrate } from '../../../../src/database/migration/migrate.ts'
import { systemClock } from '../../../../src/runtime/clock.ts'
import {
  describeEachDatabase,
  describePostgres,
  temporaryDirectory,
  type TestDatabase,
} from '../../../support/databases.ts'
import { destructive } from '../../../support/destructive-migrations.ts'
import { createNotes, noteMigration } from '../../../support/migration-fixtures.ts'
import { documentOf, runOrch, type OrchResult } from '../../../support/run-orch.ts'

/** The migrations of the orch that is called. */
const shipped = vi.hoisted(() => ({ migrations: [] as Migration[] }))
vi.mock('../../../../migrations/index.ts', () => shipped)

beforeEach(() => {
  shipped.migrations.splice(0, Infinity, createNotes)
})

const fixtures = 'test/support/migration-fixtures.ts'
const refused = 'test/support/destructive-migrations.ts'
const root = new URL('../../../..', import.meta.url).pathname

/** As a workflow of this repository would call it: places are relative to its root. */
function dryRun({ env }: Pick<TestDatabase, 'env'>, ...flags: string[]): Promise<OrchResult> {
  const argv = ['db', 'migrate', '--dry-run', ...flags]
  return runOrch(argv, { cwd: temporaryDirectory(), env: { ...env, GITHUB_WORKSPACE: root } })
}

/** The line of the refused fixtures that has this text. */
function lineOf(text: string): number {
  return (
    readFileSync(join(root, refused), 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(text)) + 1
  )
}

/** What differs from run to run, put out of the way. */
function settled(result: OrchResult, database: TestDatabase): unknown {
  const text = result.stdout
    .replaceAll(database.address, '<address>')
    .replaceAll(`\\"${database.schema}\\".`, '')
    .replaceAll(`\\"${database.schema}\\"`, '<schema>')
    .replaceAll(/[0-9a-f]{64}/g, '<checksum>')
  return text === '' ? '' : JSON.parse(text)
}

interface Planned {
  readonly exitCode: number
  readonly steps: readonly { readonly name: string; readonly sql: Record<string, readonly string[]> }[]
  readonly findings: readonly {
    readonly kind: string
    readonly file: string
    readonly line: number
    readonly exitCode: number
  }[]
  readonly validations: unknown
  readonly lockHolder: string | null
}

async function planned(database: TestDatabase, ...flags: string[]) {
  const result = await dryRun(database, '--json', ...flags)
  const { data } = documentOf<Planned>(result)
  expect(data.exitCode).toBe(result.exitCode)
  return { result, data, kinds: data.findings.map(({ kind }) => kind) }
}

async function applied(database: TestDatabase, ...migrations: Migration[]): Promise<void> {
  await migrate(database, { clock: systemClock, toolVersion: 'test', migrations })
}

const addText = noteMigration((db) => db.schema.alterTable('notes').addColumn('a', 'text').execute())

describeEachDatabase('the exit code of a dry run', (open) => {
  it('is 0 for a safe plan and for nothing to do, 10 only when asked', async () => {
    const database = await open({ migrate: false })
    expect(settled(await dryRun(database, '--json'), database)).toMatchObject({
      kind: 'db.migrate',
      version: 1,
      warnings: [],
      data: {
        dryRun: true,
        database: '<address>',
        exitCode: 0,
        lockHolder: null,
        remaining: 0,
        problems: [],
        validation: 'executed',
        steps: [
          {
            name: '9000-create-notes',
            table: 'notes',
            reason: 'a fixture with rows',
            outcome: 'applied',
            creates: ['table notes', 'index notes_body'],
            file: fixtures,
          },
        ],
        findings: [{ kind: 'pending', subject: '9000-create-notes', level: 'note', exitCode: 10, file: fixtures }],
      },
    })
    expect((await planned(database, '--exit-code')).result.exitCode).toBe(10)
    await applied(database, createNotes)
    const { result, data } = await planned(database, '--exit-code')
    expect([result.exitCode, data.steps, data.findings]).toEqual([0, [], []])
  })

  it('is 11 for what the guard refuses, at the line that says it, and a real run ends with the same', async () => {
    const database = await open()
    shipped.migrations.push(noteMigration(destructive['drop table'] ?? (async () => {})))
    const { result, data } = await planned(database)
    expect([result.exitCode, result.stderr]).toEqual([11, ''])
    expect(data.findings[0]).toMatchObject({
      kind: 'refused',
      migration: '9001-notes',
      file: refused,
      line: lineOf("dropTable('notes').execute()"),
      exitCode: 11,
    })
    const real = await runOrch(['db', 'migrate', '--json'], { cwd: temporaryDirectory(), env: database.env })
    expect([real.exitCode, real.stdout, JSON.parse(real.stderr)]).toEqual([
      11,
      '',
      expect.objectContaining({ kind: 'error', version: 1, code: 'ORCH_MIGRATION_REFUSED', exitCode: 11 }),
    ])
  })

  it('is 12 for drift of every kind, all of which are listed', async () => {
    const database = await open({ migrate: false })
    await applied(database, createNotes, addText)
    await database.db.updateTable('orch_migrations').set({ checksum: 'edited' }).where('sequence', '=', 1).execute()
    shipped.migrations.push(
      noteMigration((db) => db.schema.alterTable('notes').addColumn('a', 'bigint').execute(), { name: '9002-notes' }),
    )
    const { result, kinds } = await planned(database)
    expect([result.exitCode, kinds]).toEqual([12, ['edited', 'conflict', 'unknown']])
  })

  it('is 6 for a statement that fails on the clone, with its line; nothing of it reaches the database', async () => {
    const database = await open({ migrate: false })
    shipped.migrations.push(
      noteMigration((db) => db.schema.createIndex('notes_x').on('notes').column('nowhere').execute(), {
        indexes: ['notes_x'],
      }),
    )
    const { result, data } = await planned(database)
    expect([result.exitCode, data.findings[0]?.kind]).toEqual([6, 'faulty'])
    expect(data.findings[0]?.file).toBe('test/cli/commands/db/dry-run.test.ts')
    expect((await database.dialect.shape(database.db)).size).toBe(0)
  })
})

describePostgres('the exit code of a dry run', (open) => {
  it('is 13 while an index is left unfinished', async () => {
    const { sql } = await import('kysely')
    const database = await open({ migrate: false })
    await applied(database, createNotes)
    await sql`update pg_index set indisvalid = false where indexrelid = ${`${database.schema}.notes_body`}::regclass`.execute(
      database.db,
    )
    const { result, kinds } = await planned(database)
    expect([result.exitCode, kinds]).toEqual([13, ['invalid_index']])
  })
})

describeEachDatabase('the SQL of a dry run', (open) => {
  it('is shown for both engines, each executed where there is one, and only for the asked one', async () => {
    const database = await open({ migrate: false })
    const isServer = database.schema !== undefined
    const { data } = await planned(database, '--sql', 'both')
    const { sqlite = [], postgres = [] } = data.steps[0]?.sql ?? {}
    const schema = database.schema ?? 'orch'
    expect(sqlite[0]).toMatch(/^create table "orch_migrations"/)
    expect(sqlite[1]).toMatch(/^create table "notes"/)
    expect(postgres[0]).toBe(`create schema "${schema}"`)
    expect(postgres[2]).toMatch(new RegExp(`^create table "${schema}"."notes"`))
    expect(sqlite.at(-1)).toMatch(/^insert into "orch_migrations" .* values \(1, '9000-create-notes', /)
    expect(postgres.at(-1)).toMatch(/insert into .* values \(1, '9000-create-notes', /)
    expect(data.validations).toEqual({ sqlite: 'executed', postgres: isServer ? 'executed' : 'compiled' })
    const only = await planned(database, '--sql', isServer ? 'sqlite' : 'postgres')
    expect(Object.keys(only.data.steps[0]?.sql ?? {})).toEqual([isServer ? 'sqlite' : 'postgres'])
    const { stdout } = await dryRun(database, '--sql', 'both')
    expect(stdout).toContain('-- sqlite:\n')
    expect(stdout).toContain('-- postgres:\n')
  })
})

describe('a report for a pull request', () => {
  const place = () => ({ env: { ORCH_DATABASE_URL: join(temporaryDirectory(), 'orch.db') } })
  const refuse = () => shipped.migrations.push(noteMigration(destructive['drop table'] ?? (async () => {})))

  it('annotates the line on GitHub, and no text of a migration becomes a command', async () => {
    refuse()
    shipped.migrations.push({ ...addText, name: '9002-x', reason: 'one\n::error::two, 100%' })
    const { stdout, exitCode } = await dryRun(place(), '--format', 'github')
    const line = lineOf("dropTable('notes').execute()")
    expect(exitCode).toBe(11)
    expect(stdout).toContain(
      `::error file=${refused},line=${line},title=orch db migrate%3A refused (exit 11)::Migration`,
    )
    expect(stdout).toContain('one%0A::error::two, 100%25')
    expect(stdout.split('\n').filter((text) => /^\s*::error/.test(text))).toHaveLength(1)
    expect(stdout).toContain('::group::9000-create-notes\nsqlite> create table')
  })

  it('is SARIF that code scanning takes', async () => {
    refuse()
    const { stdout, exitCode } = await dryRun(place(), '--format', 'sarif')
    const { version, runs } = JSON.parse(stdout)
    expect([exitCode, version, runs[0].invocations[0].exitCode]).toEqual([11, '2.1.0', 11])
    const [result] = runs[0].results
    expect(runs[0].tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId)
    expect(result).toMatchObject({
      ruleId: 'refused',
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: refused },
            region: { startLine: lineOf("dropTable('notes').execute()") },
          },
        },
      ],
    })
  })

  it('is JUnit with a failure for each error and a case for each migration', async () => {
    refuse()
    const { stdout, exitCode } = await dryRun(place(), '--format', 'junit')
    expect(exitCode).toBe(11)
    expect(stdout).toContain('<testsuites name="orch db migrate" tests="2" failures="1" errors="0">')
    expect(stdout).toContain('name="9000-create-notes"')
    expect(stdout).toContain('<failure type="refused"')
    // Balanced, and nothing unescaped between the tags.
    const tags = [...stdout.matchAll(/<(\/?)([a-z-]+)[^<>]*?(\/?)>/g)]
    expect(tags.filter(([, close]) => close === '/').length).toBe(tags.filter(([, close]) => close === '').length)
    expect(stdout.replaceAll(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;|#10;)/)
  })

  it('points at the line that brought orch in, where the migrations are not in the repository', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'sub'))
    writeFileSync(join(cwd, 'package.json'), '{\n  "devDependencies": {\n    "orch": "^2.0.0"\n  }\n}\n')
    const argv = ['db', 'migrate', '--dry-run', '--format', 'github']
    const { stdout } = await runOrch(argv, { cwd: join(cwd, 'sub'), env: { GITHUB_WORKSPACE: cwd } })
    expect(stdout).toContain('::notice file=package.json,line=3,title=orch db migrate%3A 9000-create-notes::')
  })

  it.each([
    [['--sql', 'mysql', '--dry-run'], '--sql: expected sqlite, postgres or both'],
    [['--format', 'xml', '--dry-run'], '--format: expected text'],
    [['--sql', 'both'], '--sql belongs to --dry-run; nothing was migrated'],
    [['--format', 'github'], '--format belongs to --dry-run; nothing was migrated'],
    [['--dry-run', '--json', '--format', 'sarif'], 'two answers to one question'],
  ])('%j is a usage error that touches nothing', async (flags, text) => {
    const cwd = temporaryDirectory()
    const result = await runOrch(['db', 'migrate', ...flags], { cwd })
    expect(result).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(text) })
  })
})

describe('a dry run while another process migrates', () => {
  it('does not wait, and says which process it is', async () => {
    const cwd = temporaryDirectory()
    const path = join(cwd, 'my.db')
    const holder = new SqliteFile(path)
    holder.pragma('journal_mode = wal')
    holder.exec('create table strangers (id text); begin immediate')
    const result = await dryRun({ env: { ORCH_DATABASE_URL: path } }, '--json')
    holder.close()
    const { data } = documentOf<Planned>(result)
    expect(result.exitCode).toBe(0)
    expect(data.lockHolder ?? `process ${process.pid}`).toContain(`process ${process.pid}`)
  })
})
