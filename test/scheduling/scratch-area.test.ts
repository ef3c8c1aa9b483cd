import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import { isServerUrl, type Database } from '../../src/database/connection.ts'
import { dropScratchSchema } from '../../src/database/queries/scratch-schemas.ts'
import { openScratchArea, removeLeftovers } from '../../src/scheduling/scratch-area.ts'
import { isLeftover, scratchName } from '../../src/scheduling/scratch-name.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { describeEachDatabase, describePostgres } from '../support/databases.ts'

const deps = { clock: systemClock, random: systemRandom, migrations, toolVersion: 'test' }

/** Scratch areas beside a database. */
async function areasBeside(database: Database, url: string): Promise<readonly string[]> {
  if (!isServerUrl(url)) return readdirSync(dirname(url)).filter((name) => name.startsWith('orch_bench_'))
  const { rows } = await sql<{ name: string }>`
    select schema_name as name from information_schema.schemata`.execute(database.db)
  return rows.map(({ name }) => name).filter((name) => name.startsWith('orch_bench_'))
}

/** The name an area would have whose process ended. */
function nameOfTheDead(): string {
  const { pid } = spawnSync(process.execPath, ['-e', '0'])
  return scratchName('bench', Date.now(), 0.5).replace(`_${process.pid.toString(36)}_`, `_${pid.toString(36)}_`)
}

describeEachDatabase('a scratch area', (open) => {
  it('is migrated, apart from the real tables, and gone at the end', async () => {
    const real = await open()
    const area = await openScratchArea({ url: real.url, purpose: 'bench' }, deps)
    await area.database.db
      .insertInto('orchestrator_config')
      .values({ key: 'limits.turns', value: '3', updated_at: 1 })
      .execute()
    expect(await real.db.selectFrom('orchestrator_config').selectAll().execute()).toEqual([])
    expect(await areasBeside(real, real.url)).toContain(basename(area.name))
    await area.end()
    expect(await areasBeside(real, real.url)).not.toContain(basename(area.name))
  })

  it('stays where it is wanted, and its owner lives: nobody removes it', async () => {
    const real = await open()
    const area = await openScratchArea({ url: real.url, purpose: 'bench' }, deps)
    await area.end(true)
    const { removed, kept } = await removeLeftovers({ url: real.url, purpose: 'bench' }, deps)
    expect(kept).toContain(area.name)
    expect(removed).not.toContain(area.name)
    if (area.schema === null) rmSync(area.name, { recursive: true })
    else await dropScratchSchema(real.db, area.schema)
  })

  it('of a killed process is removed by the next run', async () => {
    const real = await open()
    const name = nameOfTheDead()
    if (isServerUrl(real.url)) await sql`create schema ${sql.id(name)}`.execute(real.db)
    else mkdirSync(join(dirname(real.url), name))
    const { removed } = await removeLeftovers({ url: real.url, purpose: 'bench' }, deps)
    expect(removed.map((path) => basename(path))).toContain(name)
    expect(await areasBeside(real, real.url)).not.toContain(name)
  })

  it('leaves nothing when it cannot be migrated', async () => {
    const real = await open()
    // The last migration does not leave what it declares.
    const lying = migrations.map((one, at) => (at < migrations.length - 1 ? one : { ...one, columns: ['nowhere'] }))
    const broken = { ...deps, migrations: lying }
    await expect(openScratchArea({ url: real.url, purpose: 'bench' }, broken)).rejects.toThrow()
    const own = `_${process.pid.toString(36)}_`
    expect((await areasBeside(real, real.url)).filter((name) => name.includes(own))).toEqual([])
  })
})

describePostgres('dropping a schema', (open) => {
  it('is refused for every name that is no scratch name', async () => {
    const real = await open()
    for (const name of ['orch', 'public', 'orch_bench', 'orch_test_1_2_abc', 'orch_bench_A; drop schema public']) {
      await expect(dropScratchSchema(real.db, name)).rejects.toMatchObject({ code: 'ORCH_BUG' })
    }
  })
})

describe('a leftover', () => {
  const now = 1_800_000_000_000
  const own = scratchName('prove', now, 0.1)

  it('fits an engine that takes 63 characters', () => {
    expect(scratchName('rehearsal', now, 0.999)).toMatch(/^[a-z0-9_]{20,63}$/)
  })

  it('is judged by its process on this machine, whatever its age', () => {
    expect(isLeftover(own, now + 1e12)).toBe(false)
  })

  it('is judged by its age where another machine made it', () => {
    const [word, purpose, , ...rest] = own.split('_')
    const foreign = [word, purpose, 'zzzzz', ...rest].join('_')
    expect(isLeftover(foreign, now + 60_000)).toBe(false)
    expect(isLeftover(foreign, now + 25 * 60 * 60_000)).toBe(true)
  })

  it('is of an earlier boot whatever runs under its number now', () => {
    const [word, purpose, host, , ...rest] = own.split('_')
    expect(isLeftover([word, purpose, host, 'zzzzz', ...rest].join('_'), now)).toBe(true)
  })

  it('is not what somebody else named alike', () => {
    expect(isLeftover('orch_bench_results', now)).toBe(false)
  })
})
