/** The database of an earlier web application, as `db adopt` finds it, and a witness that sees every change to it. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** The keys that nobody may ever find in a table of orch. */
export const storedKeys = ['sk-live-0123456789abcdef', 'plain words as a key'] as const

export interface EarlierApplication {
  /** Its database, as its owner reaches it; the tables lie in `public`. */
  readonly url: string
  /** What the owner does there. */
  run<Row extends pg.QueryResultRow = Record<string, string | number | null>>(
    statement: string,
  ): Promise<readonly Row[]>
  /** The address for another role. */
  urlFor(role: string, password: string): string
  remove(): Promise<void>
}

export interface ApplicationOptions {
  /** Whose ledger says what was applied. */
  readonly ledger?: 'Prisma' | 'Drizzle'
  /** Calls booked in `"ModelUsage"`; default 1200, more than two batches. */
  readonly calls?: number
}

/** Makes the application in a database of its own on the server. */
export async function earlierApplication(
  serverUrl: string,
  { ledger = 'Prisma', calls = 1200 }: ApplicationOptions = {},
): Promise<EarlierApplication> {
  const name = `app_${randomBytes(6).toString('hex')}`
  await asOwner(serverUrl, (server) => server.query(`create database ${name}`))
  const address = new URL(serverUrl)
  address.pathname = `/${name}`
  const url = address.toString()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  // Prisma keeps times without a zone, in UTC; Drizzle is usually told to keep the zone.
  await client.query(tables(ledger === 'Prisma' ? 'timestamp(3)' : 'timestamp with time zone'))
  await client.query(rows(calls))
  await client.query(ledgers[ledger])
  return {
    url,
    run: async <Row extends pg.QueryResultRow>(statement: string) => (await client.query<Row>(statement)).rows,
    urlFor: (role, password) => {
      const other = new URL(url)
      other.username = role
      other.password = password
      return other.toString()
    },
    remove: async () => {
      await client.end()
      await asOwner(serverUrl, (server) => server.query(`drop database ${name} with (force)`))
    },
  }
}

async function asOwner(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function tables(time: string): string {
  return `
    create table "ProviderConfig" (
      "id" text primary key, "label" text not null, "type" text not null, "apiKey" text, "baseURL" text,
      "isEnabled" boolean not null default true, "requestsPerMinute" integer not null default 60,
      "createdAt" ${time} not null default current_timestamp, "updatedAt" ${time} not null);
    create table "OrchestratorConfig" (
      "id" text primary key, "activeTableName" text not null, "strategies" jsonb not null,
      "createdAt" ${time} not null default current_timestamp, "updatedAt" ${time} not null);
    create table model_registry (
      id text primary key, model_id text not null, provider_id text not null references "ProviderConfig"("id"),
      model_name text, is_free boolean default false, cost_per_1k double precision, provider_data jsonb, ai_data jsonb,
      specs jsonb, updated_at ${time}, unique (provider_id, model_id));
    create table "ModelUsage" (
      "id" text primary key, "userId" text, "modelConfigId" text, "roleId" text, "promptTokens" integer not null,
      "completionTokens" integer not null, "cost" double precision, "metadata" jsonb,
      "createdAt" ${time} not null default current_timestamp);
    create index "ModelUsage_createdAt_idx" on "ModelUsage" ("createdAt");
    create table projects (
      id text primary key, name text not null, description text, status text not null default 'active',
      "createdAt" ${time} not null default current_timestamp, "updatedAt" ${time} not null);
    create table openai_models (model_id text primary key, data jsonb not null, fetched_at ${time});
    create table anthropic_models (id serial primary key, name varchar(120) not null unique, payload json);
    create table car_models (id serial primary key, name text, data jsonb);`
}

function rows(calls: number): string {
  return `
    insert into "ProviderConfig" values
      ('cprov1', 'OpenAI at work', 'openai', '${storedKeys[0]}', null, true, 500, '2026-01-02 03:04:05', '2026-02-02'),
      ('cprov2', 'Claude', 'ANTHROPIC', null, 'https://api.anthropic.com/v1', false, 60, '2026-01-03', '2026-02-03'),
      ('Big Box', 'Box', 'lm_studio', '${storedKeys[1]}', 'http://127.0.0.1:1234/v1?key=${encodeURIComponent(storedKeys[1])}', true, 0,
        '2026-01-04', '2026-02-04'),
      ('cprov4', 'Cloud', 'bedrock', null, null, true, 60, '2026-01-05', '2026-02-05');
    insert into "OrchestratorConfig" values
      ('default', 'model_registry', '[{"name": "unheard-of"}, {"type": "cost", "apiKey": "${storedKeys[0]}"}]', '2026-01-01', '2026-02-01');
    insert into model_registry values
      ('m1', 'gpt-4o', 'cprov1', 'GPT-4o', false, 0.005, '{"id": "gpt-4o", "apiKey": "${storedKeys[1]}"}', null,
        '{"contextWindow": 128000}', '2026-03-01'),
      ('m2', 'gpt-4o-mini', 'cprov1', 'mini', false, null, null, null, null, null),
      ('m3', 'own-model', 'Big Box', 'Own', true, 0, '{}', '{"capabilities": ["tools"]}', '{"context_length": 32768}', '2026-03-03'),
      ('m4', 'nova', 'cprov4', 'Nova', false, 0.1, '{"id": "nova"}', null, null, '2026-03-04');
    insert into openai_models values
      ('gpt-4o', '{"id": "gpt-4o", "from": "payload"}', '2026-03-01'),
      ('gpt-4o-mini', '{"id": "gpt-4o-mini", "owned_by": "openai"}', '2026-03-01'),
      ('o3', '{"id": "o3", "owned_by": "openai"}', '2026-03-01');
    insert into anthropic_models (name, payload) values ('claude-sonnet-4-5', '{"id": "claude-sonnet-4-5", "max_tokens": 64000}');
    insert into car_models (name, data) values ('beetle', '{"wheels": 4}');
    insert into projects values
      ('p1', 'To-do API', 'A REST API for to-do lists', 'active', '2026-01-10 10:00', '2026-01-11'),
      ('p2', 'To-do API', null, 'archived', '2026-01-12', '2026-01-13');
    insert into "ModelUsage"
      select 'u' || n, 'someone', case when n % 4 = 0 then 'gone' else 'm' || (n % 4) end, 'engineer', n, 2 * n,
        case when n % 5 = 0 then null else n * 0.000123 end, case when n % 2 = 0 then '{"projectId": "p1"}'::jsonb end,
        '2026-04-01 00:00:00'::timestamp + n * interval '1 second'
      from generate_series(1, ${calls}) n;`
}

const ledgers: Readonly<Record<'Prisma' | 'Drizzle', string>> = {
  Prisma: `
    create table _prisma_migrations (
      id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz,
      migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
      started_at timestamptz not null default now(), applied_steps_count integer not null default 0);
    insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
      values ('1', repeat('a', 64), '20260101000000_init', now(), 1);`,
  Drizzle: `
    create schema drizzle;
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
    insert into drizzle.__drizzle_migrations (hash, created_at) values (repeat('b', 64), 1767225600000);`,
}

/**
 * Everything outside of orch's schema as the server's catalog tells it: identity and storage of every relation, its
 * columns, constraints and rights, and a hash over its rows and where they lie. Equal means untouched.
 */
export async function everythingButOrch({ run }: Pick<EarlierApplication, 'run'>): Promise<readonly string[]> {
  const relations = await run<{ name: string; line: string; kind: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name, c.relkind::text as kind,
      concat_ws(' ', format('%I.%I', n.nspname, c.relname), c.oid, c.relfilenode, c.relkind, c.relacl, c.relowner,
        (select string_agg(concat_ws(' ', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
          a.attacl), ', ' order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
        (select string_agg(concat_ws(' ', k.oid, k.conname, pg_get_constraintdef(k.oid)), ', ' order by k.oid)
          from pg_constraint k where k.conrelid = c.oid)) as line
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname <> 'orch' and n.nspname !~ '^(pg_|information_schema)' order by 1`)
  const lines: string[] = []
  for (const { name, kind, line } of relations) {
    lines.push(kind === 'r' ? `${line} rows: ${await rowsOf(run, name)}` : line)
  }
  return lines
}

async function rowsOf(run: EarlierApplication['run'], table: string): Promise<string> {
  const [seen] = await run<{ text: string }>(`
    select count(*) || ' ' || md5(coalesce(string_agg(concat(t, xmin, ctid), '|' order by ctid), '')) as text from ${table} t`)
  return seen?.text ?? ''
}

/** Every table and index of orch's schema, with every row: what a search for a key looks through. */
export async function everythingOfOrch({ run }: Pick<EarlierApplication, 'run'>): Promise<string> {
  const names = await run<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'orch' order by 1`,
  )
  const texts: string[] = []
  for (const { name } of names) {
    const [all] = await run<{ text: string | null }>(
      `select string_agg(concat(t, xmin, ctid), E'\\n' order by ctid) as text from ${name} t`,
    )
    texts.push(`${name}\n${all?.text ?? ''}`)
  }
  return texts.join('\n')
}
