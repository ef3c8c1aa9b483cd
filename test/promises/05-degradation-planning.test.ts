/**
 * Promise 5, for planning: with any table missing every command works or names the capability that is off
 * and the command that brings it back.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { TableName } from '../../src/database/tables.ts'
import { planTables } from '../../src/planning/store-plan.ts'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../support/databases.ts'
import { documentOf, runOrch } from '../support/run-orch.ts'

const plan = `version: 1
project: other
goal: One job
jobs:
  - { key: one, title: One, description: Does it., executor: command, run: [node, -e, "0"] }
`

async function aProject(database: TestDatabase) {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'plan.yaml'), plan)
  const env: Record<string, string> = database.schema === undefined ? {} : { ORCH_DB_SCHEMA: database.schema }
  const orch = (...argv: string[]) => runOrch(['--db', database.url, ...argv], { cwd, env })
  await orch('db', 'trust')
  await orch('project', 'plan', '--blueprint', 'repo-report', '--approve')
  return { cwd, orch }
}

/** The tables that planning reads or writes. */
const touched: readonly TableName[] = [
  ...planTables,
  'tasks',
  'attempts',
  'job_events',
  'model_usage',
  'roles',
  'orchestrator_config',
]

const writes = [
  ['project', 'apply', 'plan.yaml'],
  ['project', 'approve', 'repo-report'],
  ['project', 'pause', 'repo-report'],
  ['project', 'resume', 'repo-report'],
  ['project', 'cancel', 'repo-report', '--yes'],
]
const reads = [
  ['project', 'list'],
  ['project', 'show', 'repo-report'],
  ['project', 'graph', 'repo-report'],
  ['project', 'export', 'repo-report'],
]

describeEachDatabase('planning without a table', (open) => {
  it.each(touched)('%s', async (table) => {
    const database = await open()
    const { orch } = await aProject(database)
    await database.db.schema.dropTable(table).execute()
    const needed = (planTables as readonly string[]).includes(table)

    const planned = await orch('project', 'plan', '--blueprint', 'cli-tool', '--json')
    expect(planned).toMatchObject({ exitCode: 0 })
    const { data, warnings } = documentOf<{ project: object | null; planFile: string | null }>(planned)
    expect([data.project === null, data.planFile !== null, warnings.length > 0]).toEqual([needed, needed, needed])
    expect(JSON.stringify(warnings).includes('orch project apply')).toBe(needed)

    for (const result of await Promise.all(reads.map((argv) => orch(...argv)))) {
      expect(result).toMatchObject({ exitCode: 0 })
      const mustSay = result.stdout.trim() === ''
      expect(result.stderr.includes('orch db migrate') || !mustSay).toBe(true)
    }
    for (const argv of writes) {
      const { exitCode, stderr } = await orch(...argv)
      expect([0, 10]).toContain(exitCode)
      expect(exitCode === 0 || (stderr.includes(table) && stderr.includes('orch db migrate'))).toBe(true)
    }
  })
})
