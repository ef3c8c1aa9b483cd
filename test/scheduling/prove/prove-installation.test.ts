import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { documentShapes } from '../../../src/cli/schema-catalog.ts'
import type { Database } from '../../../src/database/connection.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemIds } from '../../../src/runtime/ids.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { proveInstallation } from '../../../src/scheduling/prove/prove-installation.ts'
import { childProcesses } from '../../torture/children.ts'
import {
  describeEachDatabase,
  describePostgres,
  temporaryDirectory,
  type TestDatabase,
} from '../../support/databases.ts'
import { storeRows } from '../../support/job-rows.ts'
import { hermeticEnv } from '../../support/run-orch.ts'

const bin = (name: string) => new URL(`../../../bin/${name}`, import.meta.url).pathname

interface Size {
  readonly jobs: number
  readonly kills: number
}

function prove(
  url: string,
  cwd: string,
  { jobs, kills, signal = new AbortController().signal }: Size & { readonly signal?: AbortSignal },
) {
  const progress: string[] = []
  const env = hermeticEnv(cwd)
  const parts = { clock: systemClock, random: systemRandom, ids: systemIds, migrations, toolVersion: 'test', env }
  const deps = { ...parts, stateDir: join(cwd, 'state'), runnerScript: bin('prove-runner.js') }
  const onProgress = (message: string) => void progress.push(message)
  const proof = proveInstallation(deps, { databaseUrl: url, jobs, kills, signal, onProgress })
  return { proof, progress }
}

/** Everything the real database holds. */
async function fingerprint({ db, url, schema }: TestDatabase): Promise<string> {
  if (schema === undefined) return createHash('sha256').update(readFileSync(url)).digest('hex')
  const tables = [
    'projects',
    'jobs',
    'job_dependencies',
    'attempts',
    'job_events',
    'scheduler_instances',
    'model_usage',
  ]
  const rows = await Promise.all(
    tables.map((table) => sql`select * from ${sql.id(schema, table)} order by 1`.execute(db)),
  )
  return JSON.stringify(rows.map((result) => result.rows))
}

/** Scratch areas of proofs that lie around. */
async function areas({ db, url, schema }: TestDatabase, cwd: string): Promise<readonly string[]> {
  const states = existsSync(join(cwd, 'state')) ? readdirSync(join(cwd, 'state')) : []
  if (schema === undefined)
    return [...states, ...readdirSync(dirname(url)).filter((name) => name.startsWith('orch_prove_'))]
  const { rows } = await sql<{ name: string }>`
    select schema_name as name from information_schema.schemata where schema_name like 'orch_prove_%'`.execute(db)
  return [...states, ...rows.map(({ name }) => name)]
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 60_000
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('it did not come to pass')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describeEachDatabase('orch doctor --prove', (open) => {
  it('kills orch in a scratch area, finds nothing lost or done twice, and touches nothing real', async () => {
    const database = await open()
    await storeRows(database, { jobs: [{ key: 'a' }, { key: 'b', dependsOn: ['a'] }] })
    const cwd = temporaryDirectory()
    const before = await fingerprint(database)
    const { proof, progress } = prove(database.url, cwd, { jobs: 24, kills: 2 })
    const found = await proof
    expect(found).toMatchObject({ engine: database.dialect.label, jobs: 24, lost: 0, completedTwice: 0, paidTwice: 0 })
    expect(found).toMatchObject({ unexplained: 0, held: true, leftovers: [] })
    expect(found?.kills).toBeGreaterThan(0)
    expect(found?.claimsPerSecond).toBeGreaterThan(0)
    expect(found?.fsyncMs.p99).toBeGreaterThan(0)
    expect(progress).toContain('letting it finish')
    const document = { kind: 'doctor.prove', version: 1, data: found, warnings: [] }
    expect((await documentShapes()).get('doctor.prove')?.safeParse(document).error).toBeUndefined()
    expect(await fingerprint(database)).toBe(before)
    expect(await areas(database, cwd)).toEqual([])
  }, 240_000)

  it('removes its area and its runners when it is stopped', async () => {
    const database = await open()
    const cwd = temporaryDirectory()
    const before = childProcesses()
    const stop = new AbortController()
    const { proof, progress } = prove(database.url, cwd, { jobs: 24, kills: 2, signal: stop.signal })
    await until(() => progress.length > 0)
    stop.abort()
    expect(await proof).toBeNull()
    expect(await areas(database, cwd)).toEqual([])
    expect(childProcesses().filter((pid) => !before.includes(pid))).toEqual([])
  }, 240_000)

  it('removes what a killed proof left, whose runners died with it', async () => {
    const database = await open()
    const cwd = temporaryDirectory()
    const work = join(cwd, 'work')
    mkdirSync(work)
    const env = hermeticEnv(work, { ...database.env, ORCH_STATE_DIR: join(cwd, 'state') })
    const child = spawn(process.execPath, [bin('orch.js'), 'doctor', '--prove'], { cwd: work, env, stdio: 'ignore' })
    try {
      await until(async () => (await areas(database, cwd)).length === 2)
      const [state = ''] = readdirSync(join(cwd, 'state'))
      await until(() => existsSync(join(cwd, 'state', state, 'purchases')))
      child.kill('SIGKILL')
      await until(() => !runnersIn(join(cwd, 'state', state)))
    } finally {
      child.kill('SIGKILL')
    }
    const left = await areas(database, cwd)
    expect(left).toHaveLength(2)
    const found = await prove(database.url, cwd, { jobs: 4, kills: 0 }).proof
    expect(found?.leftovers).toHaveLength(2)
    for (const name of left) expect(found?.leftovers.join('\n')).toContain(name)
    expect(await areas(database, cwd)).toEqual([])
  }, 240_000)
})

/** Whether some process works in the directory. */
function runnersIn(directory: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory)
    } catch {
      return false
    }
  })
}

describePostgres('orch doctor --prove', (open) => {
  it('names the permission it lacks', async () => {
    const database: Database & { readonly url: string } = await open()
    const role = `prover_${process.pid}_${Date.now().toString(36)}`
    await sql`create role ${sql.id(role)} login`.execute(database.db)
    const url = new URL(database.url)
    url.username = role
    try {
      await expect(prove(url.href, temporaryDirectory(), { jobs: 4, kills: 0 }).proof).rejects.toMatchObject({
        code: 'ORCH_DATABASE_FAILED',
        message: `${role} may not create a schema in postgres, and a scratch area is one`,
        hint: `Ask for it: grant create on database "postgres" to "${role}"`,
      })
    } finally {
      await sql`drop role ${sql.id(role)}`.execute(database.db)
    }
  })
})
