/** An earlier application's database is taken over: nothing of it changes, with its owner's rights or with the least. */
import { migrations } from '../../../migrations/index.ts'
import { systemErrorCode } from '../../../src/errors/orch-error.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import {
  earlierApplication,
  everythingButOrch,
  everythingOfOrch,
  storedKeys,
  type EarlierApplication,
} from '../../support/earlier-application.ts'
import { documentOf, runOrchProcess, type OrchResult } from '../../support/run-orch.ts'
import { exactly, noted, type Figure, type Scene, type Size } from '../line.ts'
import type { DatabaseItem } from './item.ts'

interface Adopted {
  readonly imports: readonly { readonly imported: number }[] | null
  readonly objects: readonly unknown[]
  readonly tables: readonly { readonly differences: readonly { readonly blocks: boolean }[] }[]
  readonly grants: string
  readonly exclusions: readonly { readonly tool: string; readonly detected: boolean }[]
}

const callsBooked: Readonly<Record<Size, number>> = { short: 100, normal: 20_000, full: 500_000 }
const kills: Readonly<Record<Size, number>> = { short: 0, normal: 4, full: 50 }
type Tool = 'Prisma' | 'Drizzle'

export const adoption: DatabaseItem = {
  numbers: [18],
  name: 'adoption',
  promise: 'adopting creates exactly what is missing and changes nothing else, whatever tool owns the other tables',
  engines: ['Postgres'],
  run: async (scene, size) => {
    const [prisma, drizzle, conflicts, killed] = await Promise.all([
      adoptBeside('Prisma', scene, size),
      adoptBeside('Drizzle', scene, size),
      refuseConflicts(scene),
      kills[size] === 0 ? [] : killAndAdopt(scene, size),
    ])
    return [...prisma, ...drizzle, ...conflicts, ...killed]
  },
}

export const leastPrivilege: DatabaseItem = {
  numbers: [19],
  name: 'least privilege',
  promise: 'adopting works with the rights its own script grants, which refuse every write outside of orch',
  engines: ['Postgres'],
  run: (scene) => withApplication(scene, { calls: 20 }, (app) => adoptAsRole(app, scene)),
}

async function withApplication<T>(
  { server }: Scene,
  options: Parameters<typeof earlierApplication>[1],
  work: (app: EarlierApplication) => Promise<T>,
): Promise<T> {
  if (server === null) throw new Error('This item needs a server')
  const app = await earlierApplication(server.url, options)
  try {
    return await work(app)
  } finally {
    await app.remove()
  }
}

function adopt(url: string, { cwd }: Scene, ...flags: readonly string[]): Promise<OrchResult> {
  return runOrchProcess(['db', 'adopt', '--from-schema', 'public', '--db', url, '--json', ...flags], { cwd })
}

function dataOf(result: OrchResult): Adopted {
  return documentOf<Adopted>(result).data
}

function importedBy(result: OrchResult): number {
  return (dataOf(result).imports ?? []).reduce((sum, { imported }) => sum + imported, 0)
}

async function adoptBeside(ledger: Tool, scene: Scene, size: Size): Promise<readonly Figure[]> {
  return withApplication(scene, { ledger, calls: callsBooked[size] }, async (app) => {
    const before = await everythingButOrch(app)
    const dry = await adopt(app.url, scene, '--dry-run')
    const schemas = await app.run(`select 1 from pg_namespace where nspname = 'orch'`)
    const begin = performance.now()
    const first = await adopt(app.url, scene)
    const seconds = (performance.now() - begin) / 1000
    const after = await everythingOfOrch(app)
    const second = await adopt(app.url, scene)
    const said = `${after}${first.stdout}${first.stderr}${dry.stdout}`
    const named = (figure: Figure): Figure => ({ ...figure, name: `${ledger}: ${figure.name}` })
    return [
      exactly('runs that failed', [dry, first, second].filter(({ exitCode }) => exitCode !== 0).length, 0),
      exactly('schemas made by the dry run', schemas.length, 0),
      exactly('rows imported beside those of a dry run', importedBy(first) - importedBy(dry), 0),
      exactly('objects missing or too many', await wrongObjects(app), 0),
      exactly('relations of others changed', differences(before, await everythingButOrch(app)), 0),
      exactly('keys copied', storedKeys.filter((key) => said.includes(key)).length, 0),
      exactly('objects and rows of the second run', dataOf(second).objects.length + importedBy(second), 0),
      exactly('bytes of orch changed by it', after === (await everythingOfOrch(app)) ? 0 : 1, 0),
      noted('rows imported per second', importedBy(first) / seconds),
    ].map(named)
  })
}

/** Relations that differ between two looks, counted once each. */
function differences(before: readonly string[], after: readonly string[]): number {
  const gone = before.filter((line) => !after.includes(line)).length
  return Math.max(gone, after.filter((line) => !before.includes(line)).length)
}

/** Tables and indexes of orch that are not those of the migrations, by the server's own catalog. */
async function wrongObjects({ run }: EarlierApplication): Promise<number> {
  const rows = await run<{ name: string }>(`select relname as name from pg_class
    where relnamespace = 'orch'::regnamespace and relkind in ('r', 'i') and relname not like '%\\_pk'`)
  const found = new Set(rows.map(({ name }) => name))
  const expected = new Set(['orch_migrations', ...migrations.flatMap(({ table, indexes }) => [table, ...indexes])])
  return (
    [...expected].filter((name) => !found.has(name)).length + [...found].filter((name) => !expected.has(name)).length
  )
}

async function refuseConflicts(scene: Scene): Promise<readonly Figure[]> {
  return withApplication(scene, { calls: 5 }, async (app) => {
    await app.run(`alter table "ModelUsage" alter column cost type text;
      alter table projects rename column name to title; alter table model_registry alter column model_id drop not null`)
    const before = await everythingButOrch(app)
    const refused = await adopt(app.url, scene)
    const blocking = dataOf(refused).tables.flatMap((table) => table.differences.filter(({ blocks }) => blocks))
    const schemas = await app.run(`select 1 from pg_namespace where nspname = 'orch'`)
    return [
      exactly('conflicts: exit', refused.exitCode, 12),
      exactly('conflicts: columns named of 3', blocking.length, 3),
      exactly(
        'conflicts: relations changed or made',
        differences(before, await everythingButOrch(app)) + schemas.length,
        0,
      ),
    ]
  })
}

/** Killed at any moment and run again, it ends as if it had never been killed. */
async function killAndAdopt(scene: Scene, size: Size): Promise<readonly Figure[]> {
  const calls = callsBooked[size]
  return withApplication(scene, { calls }, async (app) => {
    const before = await everythingButOrch(app)
    const random = seededRandom(scene.seed)
    for (let round = 0; round < kills[size]; round++) {
      // Of a start of 0.3 s and more; an aborted child is killed.
      const signal = AbortSignal.timeout(250 + Math.floor(random.next() * 1500))
      await runOrchProcess(['db', 'adopt', '--from-schema', 'public', '--db', app.url], {
        cwd: scene.cwd,
        signal,
      }).catch(() => null)
    }
    const last = await adopt(app.url, scene)
    const [rows] = await app.run(`select (select count(*) from orch.model_usage)::int as calls,
      (select count(*) from orch.orch_migrations)::int as ledger, (select count(*) from orch.model_registry)::int as models`)
    return [
      exactly(`after ${kills[size]} kills: exit`, last.exitCode, 0),
      exactly('after kills: calls booked beside one each', Number(rows?.['calls']) - calls, 0),
      exactly('after kills: ledger rows beside one each', Number(rows?.['ledger']) - migrations.length, 0),
      exactly('after kills: models', Number(rows?.['models']), 5),
      exactly('after kills: relations of others changed', differences(before, await everythingButOrch(app)), 0),
    ]
  })
}

/** What the role must not be able to do, whatever runs as it. */
const outside = [
  'select "apiKey" from "ProviderConfig"',
  'insert into projects select * from projects',
  'update projects set name = name',
  'delete from "ModelUsage"',
  'truncate _prisma_migrations',
  'alter table projects add column x text',
  'drop table car_models',
  'create index on projects (name)',
  'create table public.x ()',
]

async function adoptAsRole(app: EarlierApplication, scene: Scene): Promise<readonly Figure[]> {
  const role = `least_${process.pid}_${Math.floor(performance.now())}`
  await app.run(`create role ${role} login password 'secret'`)
  try {
    const url = app.urlFor(role, 'secret')
    const [without, asOwner] = await Promise.all([
      adopt(url, scene),
      adopt(app.url, scene, '--dry-run', '--role', role),
    ])
    const { grants, exclusions } = dataOf(asOwner)
    await app.run(grants)
    const before = await everythingButOrch(app)
    const done = await adopt(url, scene)
    const codes: unknown[] = []
    for (const statement of outside) {
      codes.push(await app.run(`set local role ${role}; ${statement}`).catch(systemErrorCode))
    }
    return [
      exactly('without rights: exit', without.exitCode, 6),
      exactly('with the printed rights: exit', done.exitCode, 0),
      exactly('rows imported beside those of the owner', importedBy(done) - importedBy(asOwner), 0),
      exactly('relations of others changed', differences(before, await everythingButOrch(app)), 0),
      exactly(
        `statements of ${outside.length} the server lets the role do outside`,
        codes.filter((code) => code !== '42501').length,
        0,
      ),
      exactly('exclusion snippets of the tool detected', exclusions.filter(({ detected }) => detected).length, 1),
    ]
  } finally {
    await app.run(`drop owned by ${role}; drop role ${role}`)
  }
}
