import { existsSync } from 'node:fs'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { importSchema } from '../../../src/database/adoption/adopt.ts'
import type { TableImport } from '../../../src/database/adoption/import-tally.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { vendorKnowledge } from '../../../src/models/vendor-knowledge.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { temporaryDirectory } from '../../support/databases.ts'
import {
  earlierApplication,
  everythingButOrch,
  everythingOfOrch,
  storedKeys,
  type EarlierApplication,
} from '../../support/earlier-application.ts'
import { documentOf, runOrch, type OrchResult } from '../../support/run-orch.ts'

interface Adopted {
  readonly tables: readonly {
    readonly table: string
    readonly foundAs: string | null
    readonly standing: string
    readonly differences: readonly {
      readonly column: string
      readonly found: string | null
      readonly blocks: boolean
    }[]
  }[]
  readonly imports: readonly { readonly table: string; readonly imported: number; readonly alreadyThere: number }[]
  readonly objects: readonly { readonly name: string; readonly outcome: string }[]
  readonly missingRights: readonly string[]
  readonly backup: string | null
  readonly problems: readonly string[]
  readonly keys: readonly { readonly command: string }[]
  readonly grants: string
}

/** An application and orch beside it. */
async function scene({ calls = 8 }: { readonly calls?: number } = {}) {
  const app = await earlierApplication(inject('postgresUrl'), { calls })
  onTestFinished(() => app.remove())
  const cwd = temporaryDirectory()
  const adopt = (...argv: string[]) =>
    runOrch(['db', 'adopt', '--from-schema', 'public', '--db', app.url, ...argv], { cwd })
  return { app, cwd, adopt }
}

function adopted(result: OrchResult): Adopted {
  return documentOf<Adopted>(result).data
}

function importedRows(result: OrchResult): Readonly<Record<string, number>> {
  return Object.fromEntries(adopted(result).imports.map(({ table, imported }) => [table, imported]))
}

async function orchRelations({ run }: EarlierApplication): Promise<readonly string[]> {
  const rows = await run<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'orch' and c.relkind in ('r', 'i') and c.relname not like '%\\_pk' order by 1`,
  )
  return rows.map(({ name }) => name)
}

it('shows everything in a dry run, does it, and has nothing to do the second time', async () => {
  const { app, adopt } = await scene()
  const before = await everythingButOrch(app)
  const dry = await adopt('--dry-run', '--json')
  expect(dry.exitCode).toBe(0)
  expect(adopted(dry)).toMatchObject({
    ledgers: [{ tool: 'Prisma', schema: 'public', name: '_prisma_migrations' }],
    exclusions: [{ tool: 'Prisma', detected: true }],
    payloadTables: [{ name: 'anthropic_models' }, { name: 'openai_models' }],
  })
  expect(adopted(dry).objects.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name))
  expect(await everythingButOrch(app)).toEqual(before)
  expect(await app.run(`select 1 from pg_namespace where nspname = 'orch'`)).toEqual([])

  const done = await adopt('--json')
  expect(done.exitCode).toBe(0)
  expect(adopted(done).imports).toEqual(adopted(dry).imports)
  const orch = await everythingOfOrch(app)
  for (const key of storedKeys) expect(`${orch}${dry.stdout}${done.stdout}${done.stderr}`).not.toContain(key)

  const again = await adopt()
  expect(again.stdout).toContain('Nothing to do: everything is there already.')
  expect(await everythingOfOrch(app)).toBe(orch)
  expect(await everythingButOrch(app)).toEqual(before)
})

describe('what is imported', () => {
  it('is each row as orch keeps it, with its references, times and money, there for every other command', async () => {
    const { app, cwd, adopt } = await scene()
    expect((await adopt()).exitCode).toBe(0)
    expect(
      await app.run(`select id, kind, base_url, credential, enabled, requests_per_minute as rpm, created_at
        from orch.provider_config order by id`),
    ).toMatchObject([
      { id: 'big-box-d6dd6030', kind: 'openai-compatible', base_url: 'http://127.0.0.1:1234/v1', rpm: null },
      {
        id: 'cprov1',
        kind: 'openai',
        base_url: null,
        credential: null,
        enabled: 1,
        rpm: 500,
        created_at: '1767323045000',
      },
      { id: 'cprov2', kind: 'anthropic', credential: null, enabled: 0 },
    ])
    const models = await app.run(
      `select provider_id || '/' || model_id as name, provider_data from orch.model_registry order by 1`,
    )
    expect(models).toEqual([
      { name: 'big-box-d6dd6030/own-model', provider_data: 'null' },
      { name: 'cprov1/gpt-4o', provider_data: '{"id":"gpt-4o"}' },
      { name: 'cprov1/gpt-4o-mini', provider_data: '{"id":"gpt-4o-mini","owned_by":"openai"}' },
      { name: 'cprov1/o3', provider_data: '{"id":"o3","owned_by":"openai"}' },
      { name: 'cprov2/claude-sonnet-4-5', provider_data: '{"id":"claude-sonnet-4-5","max_tokens":64000}' },
    ])
    expect(
      await app.run(`select id, provider_id, model_id, project_id, cost_micro_usd as cost, source, input_tokens as input
        from orch.model_usage where id in ('u1', 'u4', 'u5', 'u6') order by id`),
    ).toMatchObject([
      { id: 'u1', provider_id: 'cprov1', model_id: 'gpt-4o', project_id: null, cost: '123', source: 'estimated' },
      { id: 'u4', provider_id: 'unknown', model_id: 'gone', project_id: 'p1', cost: '492' },
      { id: 'u5', cost: null, source: 'unknown', input: '5' },
      { id: 'u6', model_id: 'gpt-4o-mini', cost: '738' },
    ])
    expect(await app.run(`select slug, status, approved_hash from orch.projects order by id`)).toEqual([
      { slug: 'to-do-api', status: 'draft', approved_hash: null },
      { slug: 'to-do-api-2', status: 'cancelled', approved_hash: null },
    ])
    expect(await app.run(`select value from orch.orchestrator_config where key = 'selection.policy'`)).toEqual([
      { value: '"cheapest"' },
    ])

    const run = (...argv: string[]) => runOrch([...argv, '--db', app.url, '--json'], { cwd })
    expect(documentOf(await run('models', 'show', 'big-box-d6dd6030/own-model')).data).toMatchObject({
      specs: { contextTokens: { value: 32_768, source: 'heuristic' } },
    })
    expect((await run('project', 'export', 'to-do-api')).exitCode).toBe(0)
    expect((await run('project', 'approve', 'to-do-api', '--yes')).stderr).toContain('nothing to approve')
    const { stdout } = await run('usage', '--by', 'project')
    expect(stdout).toContain('to-do-api')
  })

  it('is only what is new, and never changes what orch has of its own', async () => {
    const { app, adopt } = await scene()
    await adopt()
    await app.run(`update orch.provider_config set label = 'Mine', credential = 'WORK' where id = 'cprov1';
      update "ProviderConfig" set label = 'Theirs' where id = 'cprov1';
      insert into "ProviderConfig" values ('cprov9', 'Groq', 'groq', null, null, true, 60, now(), now());
      insert into projects values ('p3', 'To-do API', 'again', 'active', now(), now());
      insert into "ModelUsage" ("id", "promptTokens", "completionTokens") values ('later', 1, 1)`)
    const result = await adopt('--json')
    expect(importedRows(result)).toEqual({
      ProviderConfig: 1,
      OrchestratorConfig: 0,
      model_registry: 0,
      anthropic_models: 0,
      openai_models: 0,
      projects: 1,
      ModelUsage: 1,
    })
    expect(await app.run(`select label from orch.provider_config where id = 'cprov1'`)).toEqual([{ label: 'Mine' }])
    expect(await app.run(`select slug from orch.projects where id = 'p3'`)).toEqual([{ slug: 'to-do-api-3' }])
    expect(adopted(result).keys.map(({ command }) => command)).toEqual([
      'orch providers key big-box-d6dd6030',
      'orch providers key cprov2 --env ANTHROPIC_API_KEY',
      'orch providers key cprov9 --env GROQ_API_KEY',
    ])
  })

  it('is there once when several adopt at the same time', async () => {
    const { app, adopt } = await scene()
    const results = await Promise.all([adopt('--json'), adopt('--json'), adopt('--json')])
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
    expect(results.reduce((sum, result) => sum + (importedRows(result)['ModelUsage'] ?? 0), 0)).toBe(8)
    expect(await app.run('select count(*)::int as n, count(distinct id)::int as ids from orch.model_usage')).toEqual([
      { n: 8, ids: 8 },
    ])
  })
})

describe('tables of another shape', () => {
  it('end with 12 and the difference of each column, and nothing is written', async () => {
    const { app, adopt } = await scene()
    await app.run(`alter table "ModelUsage" alter column "cost" type text;
      alter table projects rename column name to title;
      alter table model_registry alter column model_id drop not null`)
    const before = await everythingButOrch(app)
    for (const argv of [['--dry-run', '--json'], ['--json']]) {
      const result = await adopt(...argv)
      expect(result.exitCode).toBe(12)
      const conflicts = adopted(result).tables.filter(({ standing }) => standing === 'conflict')
      const lines = conflicts.flatMap(({ table, differences }) =>
        differences.filter(({ blocks }) => blocks).map(({ column, found }) => `${table}.${column}: ${found}`),
      )
      expect(lines).toEqual(['model_registry.model_id: text', 'projects.name: null', 'ModelUsage.cost: text'])
    }
    expect((await adopt()).stdout).toMatch(/ModelUsage +cost +text +double precision +conflict/)
    expect(await everythingButOrch(app)).toEqual(before)
    expect(await app.run(`select 1 from pg_namespace where nspname = 'orch'`)).toEqual([])
    const others = await adopt('--json', '--skip', 'projects', '--skip', 'ModelUsage', '--skip', 'model_registry')
    expect(others.exitCode).toBe(0)
    expect(importedRows(others)).toEqual({ ProviderConfig: 3, OrchestratorConfig: 1 })
  })

  it('are told apart: compatible, partial, case variant, absent', async () => {
    const { app, adopt } = await scene()
    await app.run(`alter table "ProviderConfig" rename to provider_config;
      alter table "OrchestratorConfig" drop column strategies;
      drop table projects;
      alter table "ModelUsage" rename column "promptTokens" to prompt_tokens`)
    const result = await adopt('--json')
    expect(adopted(result).tables.map(({ table, foundAs, standing }) => [table, foundAs, standing])).toEqual([
      ['ProviderConfig', 'provider_config', 'case_variant'],
      ['OrchestratorConfig', 'OrchestratorConfig', 'partial'],
      ['model_registry', 'model_registry', 'compatible'],
      ['projects', null, 'absent'],
      ['ModelUsage', 'ModelUsage', 'case_variant'],
    ])
    expect(await app.run(`select input_tokens from orch.model_usage where id = 'u7'`)).toEqual([{ input_tokens: '7' }])
  })

  it('of orch itself are recorded as adopted where they fit, and end with 12 where they do not', async () => {
    const { app, adopt } = await scene()
    await app.run(`create schema orch; create table orch.tasks (job_id text not null, ordinal integer not null,
      title text not null, description text not null, state text not null, summary text, updated_at bigint not null,
      extra text, primary key (job_id, ordinal));
      insert into orch.tasks values ('j', 1, 't', 'd', 'pending', null, 0, 'kept');
      create table orch.roles (id integer primary key)`)
    const refused = await adopt('--json')
    expect(refused.exitCode).toBe(12)
    expect(adopted(refused).problems.join()).toContain('roles')
    expect(await orchRelations(app)).toEqual(['roles', 'roles_pkey', 'tasks', 'tasks_pkey'])
    await app.run('drop table orch.roles')
    const [before] = await app.run(`select oid, relfilenode from pg_class where relname = 'tasks'`)
    const done = adopted(await adopt('--json'))
    expect(done.objects.filter(({ outcome }) => outcome === 'adopted')).toMatchObject([{ name: '0011-tasks' }])
    expect(existsSync(done.backup ?? '')).toBe(true)
    expect(await app.run(`select outcome from orch.orch_migrations where name = '0011-tasks'`)).toEqual([
      { outcome: 'adopted' },
    ])
    expect(await app.run(`select oid, relfilenode from pg_class where relname = 'tasks'`)).toEqual([before])
    expect(await app.run('select extra from orch.tasks')).toEqual([{ extra: 'kept' }])
  })
})

describe('what stops an adoption', () => {
  it('is a right that the role lacks, each named, or a table that its application holds', async () => {
    const { app, cwd, adopt } = await scene()
    const role = `least_${process.pid}_${Date.now().toString(36)}`
    await app.run(`create role ${role} login password 'secret'`)
    onTestFinished(async () => void (await app.run(`drop owned by ${role}; drop role ${role}`)))
    const run = (...argv: string[]) =>
      runOrch(['db', 'adopt', '--from-schema', 'public', '--db', app.urlFor(role, 'secret'), ...argv], { cwd })
    const dry = await run('--dry-run', '--json')
    expect(dry.exitCode).toBe(6)
    expect(adopted(dry)).toMatchObject({ imports: null })
    expect(adopted(dry).missingRights.slice(0, 2)).toEqual([
      `CREATE on database ${new URL(app.url).pathname.slice(1)}`,
      'SELECT (id, label, type, baseURL, isEnabled, requestsPerMinute, createdAt, updatedAt) on public.ProviderConfig',
    ])
    expect(adopted(dry).grants).toContain(`GRANT SELECT ("id", "label", "type", "baseURL"`)
    expect(adopted(dry).grants).not.toContain('apiKey')
    const refused = await run()
    expect(refused).toMatchObject({ exitCode: 6, stdout: '' })
    expect(refused.stderr).toContain('--dry-run prints the script')
    await app.run('begin; lock table projects in access exclusive mode')
    expect((await adopt('--dry-run')).exitCode).toBe(14)
    await app.run('rollback')
  })

  it('is a trigger that would write elsewhere, or a key where nobody looks for one: all of it is rolled back', async () => {
    const { app, cwd, adopt } = await scene()
    expect((await runOrch(['db', 'migrate', '--db', app.url], { cwd })).exitCode).toBe(0)
    await app.run(`create function leak() returns trigger language plpgsql as $$
      begin update public.projects set name = name; return new; end $$;
      create trigger leak after insert on orch.model_usage for each row execute function leak()`)
    const look = async () => [...(await everythingButOrch(app)), await everythingOfOrch(app)]
    const before = await look()
    const result = await adopt()
    expect(result.exitCode).toBe(11)
    expect(result.stderr).toContain('public.projects')
    expect(await look()).toEqual(before)
    await app.run(`drop trigger leak on orch.model_usage;
      update projects set description = 'use ${storedKeys[1]} for the demo' where id = 'p1'`)
    const refused = await adopt()
    expect(refused.exitCode).toBe(11)
    expect(refused.stderr).toContain('a row for projects would hold a stored key')
    expect(`${refused.stderr}${await everythingOfOrch(app)}`).not.toContain(storedKeys[1])
    expect((await adopt('--skip', 'projects')).exitCode).toBe(0)
  })

  it('is a signal between two batches: nothing of the import is kept', async () => {
    const { app, cwd } = await scene({ calls: 1200 })
    await runOrch(['db', 'migrate', '--db', app.url], { cwd })
    const database = await openDatabase(app.url, { clock: systemClock, random: seededRandom(1), connections: 1 })
    const before = await everythingOfOrch(app)
    const stop = new AbortController()
    const wish = {
      fromSchema: 'public',
      skip: new Set<never>(),
      knowledge: vendorKnowledge(),
      clock: systemClock,
      workspace: cwd,
      signal: stop.signal,
      onRows: ({ table, read }: TableImport) => (table === 'ModelUsage' && read === 1000 ? stop.abort() : undefined),
    }
    await expect(importSchema(database, wish)).rejects.toMatchObject({ code: 'ORCH_INTERRUPTED' })
    expect(stop.signal.aborted).toBe(true)
    await expect(importSchema(database, wish)).rejects.toMatchObject({ code: 'ORCH_INTERRUPTED' })
    await database.close()
    expect(await everythingOfOrch(app)).toBe(before)
  })

  it('is a place without schemas, orch’s own schema, one of another orch, and one with nothing to adopt', async () => {
    const { app, cwd, adopt } = await scene()
    const run = (...argv: string[]) => runOrch(['db', 'adopt', ...argv], { cwd })
    expect(await run('--from-schema', 'public', '--db', 'orch.db')).toMatchObject({ exitCode: 5, stdout: '' })
    expect((await run('--db', app.url)).exitCode).toBe(2)
    expect((await run('--from-schema', 'orch', '--db', app.url)).stderr).toContain('cannot adopt from itself')
    const nowhere = await run('--from-schema', 'nowhere', '--db', app.url)
    expect(nowhere.exitCode).toBe(4)
    expect(nowhere.stderr).toContain('orch db adopt --from-schema public --dry-run')
    await app.run('create schema empty')
    expect((await run('--from-schema', 'empty', '--db', app.url)).exitCode).toBe(4)
    expect((await adopt('--skip', 'everything')).exitCode).toBe(2)
    expect(await app.run(`select 1 from pg_namespace where nspname = 'orch'`)).toEqual([])
    await runOrch(['db', 'migrate', '--db', app.url], { cwd, env: { ORCH_DB_SCHEMA: 'other' } })
    expect((await run('--from-schema', 'other', '--db', app.url)).stderr).toContain('ORCH_DB_SCHEMA=other')
  })
})
