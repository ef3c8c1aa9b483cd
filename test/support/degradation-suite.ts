/**
 * Promise 5: with any table missing, every command works, or names what is missing and the command that
 * brings it back. Every command of the catalogue takes part: a new one must be given its words here. The
 * suite stands in one test file per engine, so that both run at once.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { nouns, topLevel } from '../../src/cli/program.ts'
import { withoutTable } from '../../src/doctor/missing-table.ts'
import type { TableName } from '../../src/database/tables.ts'
import { temporaryDirectory, type OpenTestDatabase } from './databases.ts'
import { storeRows } from './job-rows.ts'
import { runOrch, type OrchResult } from './run-orch.ts'

const planFile = `version: 1
project: other
goal: Another goal
jobs:
  - { key: one, title: One, description: First, role: writer, deliverables: [one.md] }
`

/** Stands for an empty database of the engine that the project is not on. */
const otherEngine = '<other engine>'

/** The words of one call for each command, in an order in which every call finds what it needs. */
const calls: Readonly<Record<string, readonly string[]>> = {
  doctor: [],
  'config list': [],
  'config get': ['limits.turns'],
  'config set': ['--shared', 'limits.turns', '7'],
  'config unset': ['--shared', 'limits.turns'],
  'roles list': [],
  'roles show': ['engineer'],
  'roles seed': [],
  'roles add': ['editor', '--title', 'Editor', '--prompt-file', 'prompt.md'],
  'roles edit': ['engineer', '--title', 'Builder'],
  'providers list': [],
  'providers detect': [],
  'providers add': ['lab', '--kind', 'rehearsal'],
  'providers show': ['lab'],
  'providers edit': ['lab', '--label', 'Lab'],
  'providers test': ['rehearsal'],
  'providers disable': ['lab'],
  'providers enable': ['lab'],
  'providers key': ['lab', '--env', 'LAB_KEY'],
  'providers remove': ['lab'],
  'models list': [],
  'models sync': [],
  'models show': ['lab/plain'],
  'models doctor': [],
  'models pick': ['writer'],
  'models pin': ['writer', 'rehearsal/plain'],
  'project plan': ['Look at this directory', '--blueprint', 'repo-report'],
  'project list': [],
  'project show': ['sample'],
  'project graph': ['sample'],
  'project export': ['sample'],
  'project apply': ['plan.yaml'],
  'project approve': ['sample', '--yes'],
  'project pause': ['sample'],
  'project resume': ['sample'],
  'jobs list': [],
  'jobs show': ['sample/a'],
  'jobs why': ['sample/b'],
  'jobs logs': ['sample/a'],
  'jobs hold': ['sample/a'],
  'jobs release': ['sample/a'],
  'jobs run': ['--until-idle', '--max-wait', '0'],
  'jobs cancel': ['sample/a', '--yes'],
  'jobs retry': ['sample/a'],
  'project cancel': ['sample', '--yes'],
  'jobs watch': ['sample'],
  usage: [],
  bench: ['--jobs', '1'],
  schema: ['plan'],
  completion: ['bash'],
  'db trust': [],
  'db adopt': ['--from-schema', 'nowhere', '--dry-run'],
  'db status': [],
  'db check': [],
  'db backup': [],
  'db restore': ['no-such-backup', '--yes'],
  'db migrate': ['--dry-run'],
  'db transfer': ['--dry-run', '--to', otherEngine],
  init: [],
}

/** Runs for a long time by design, or makes its own tables. */
const elsewhere = new Set(['quickstart'])

/** Runs every call in order against a fresh project whose database lacks one table. */
async function runCatalogue(
  open: OpenTestDatabase,
  missing: TableName | null,
): Promise<ReadonlyMap<string, OrchResult>> {
  const database = await open()
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'plan.yaml'), planFile)
  writeFileSync(join(cwd, 'prompt.md'), 'You edit.')
  await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
  const env: Record<string, string> = database.schema === undefined ? {} : { ORCH_DB_SCHEMA: database.schema }
  const known = new Set(Object.keys(calls).filter(isBuilt))
  await runOrch(['db', 'trust', '--db', database.url], { cwd, env })
  if (missing !== null) await database.db.schema.dropTable(missing).execute()
  const results = new Map<string, OrchResult>()
  for (const path of known) {
    const signal = path === 'jobs watch' ? AbortSignal.timeout(10_000) : undefined
    const target = database.schema === undefined ? inject('postgresUrl') : 'elsewhere.db'
    const words = (calls[path] ?? []).map((word) => (word === otherEngine ? target : word))
    const argv = [...path.split(' '), ...words, '--db', database.url]
    results.set(path, await runOrch(argv, { cwd, env, ...(signal === undefined ? {} : { signal }) }))
  }
  return results
}

function isBuilt(path: string): boolean {
  const [first = '', second] = path.split(' ')
  return second === undefined ? Object.hasOwn(topLevel, first) : Object.hasOwn(nouns[first]?.verbs ?? {}, second)
}

/** What is wrong with how a call met a missing table, or null. */
function complaint(path: string, { result, usual, table }: Meeting): string | null {
  const said = `${path} without ${table}: exit ${result.exitCode} (usually ${usual}): ${result.stderr.trim()}`
  if (/^\s+at /m.test(result.stderr) || result.stderr.includes('ORCH_BUG')) return `${said} [a bug]`
  if (result.exitCode === usual) return null
  // What a stream reports is its data: it says there what it waits for.
  const words = result.stderr + result.stdout
  const namesIt = words.includes(table) && words.includes('orch db migrate')
  return namesIt ? null : `${said} [does not name ${table} and orch db migrate]`
}

interface Meeting {
  readonly result: OrchResult
  readonly usual: number
  readonly table: TableName
}

/** Drops each of the tables in turn, by default every one, and makes every call. */
export function degradationSuite(
  open: OpenTestDatabase,
  tables: readonly TableName[] = Object.keys(withoutTable) as TableName[],
): void {
  it('calls every command of the catalogue', () => {
    const paths = [
      ...Object.keys(topLevel),
      ...Object.entries(nouns).flatMap(([noun, { verbs }]) => Object.keys(verbs).map((verb) => `${noun} ${verb}`)),
    ]
    expect(paths.filter((path) => !Object.hasOwn(calls, path) && !elsewhere.has(path))).toEqual([])
  })

  it.each(tables)(
    'without the table %s every command works, or says what is off and what brings it back',
    async (table) => {
      const usual = await usualResults(open)
      const results = await runCatalogue(open, table)
      const complaints = [...results].flatMap(
        ([path, result]) => complaint(path, { result, usual: usual.get(path)?.exitCode ?? 0, table }) ?? [],
      )
      expect(complaints).toEqual([])
    },
    120_000,
  )

  it('with every table, no call of the suite is a usage error', async () => {
    const results = await usualResults(open)
    const refused = [...results].filter(([, { exitCode }]) => exitCode === 1 || exitCode === 2)
    expect(refused.map(([path, { exitCode, stderr }]) => `${path}: ${exitCode} ${stderr}`)).toEqual([])
  }, 120_000)

  let known: Promise<ReadonlyMap<string, OrchResult>> | undefined
  /** How each call ends when nothing is missing. */
  function usualResults(openDatabase: OpenTestDatabase): Promise<ReadonlyMap<string, OrchResult>> {
    return (known ??= runCatalogue(openDatabase, null))
  }
}
