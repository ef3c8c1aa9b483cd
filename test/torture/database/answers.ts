/** What `orch db` answers: one document and one meaning of each exit code, and no way down. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import SqliteFile from 'better-sqlite3'
import { migrations } from '../../../migrations/index.ts'
import { documentOf, runOrch, type OrchResult } from '../../support/run-orch.ts'
import { exactly, noted, type Figure, type Scene } from '../line.ts'
import { holdMigrationLock, migrateTo } from './dry-run-trace.ts'
import type { DatabaseItem } from './item.ts'
import { inFreshPlace, type FreshPlace } from './place.ts'

export const answers: DatabaseItem = {
  numbers: [5],
  name: 'answers',
  promise:
    'every answer is one published document on one stream, its exit code means one thing, and it holds no secret',
  run: runAnswers,
}

export const onlyForward: DatabaseItem = {
  numbers: [22],
  name: 'only forward',
  promise: '--to never goes back but names the backup that does, and status tells every state apart',
  run: runOnlyForward,
}

const secret = 's3cret-word'

interface Call {
  readonly words: readonly string[]
  readonly exitCode: number
}

const call = (exitCode: number, ...words: string[]): Call => ({ words, exitCode })

/** Calls on a database that is migrated up to 0004. */
const atRest: readonly Call[] = [
  call(0, 'migrate', '--dry-run'),
  call(0, 'migrate', '--dry-run', '--sql', 'both', '--to', '0005'),
  call(10, 'migrate', '--dry-run', '--exit-code'),
  call(0, 'status'),
  call(10, 'check'),
  call(0, 'backup', '--list'),
  call(0, 'trust', '--list'),
  call(2, 'migrate', '--dryrun'),
  call(2, 'migrate', '--sql', 'both'),
  call(4, 'migrate', '--to', '0999'),
  call(5, 'migrate', '--to', '0002'),
  call(5, 'migrate', '--dry-run', '--to', '0002'),
  call(6, 'status', '--db', `postgres://me:${secret}@127.0.0.1:1/x?sslpassword=${secret}`),
  call(6, 'migrate', '--dry-run', '--db', `postgres://me:${secret}@127.0.0.1:1/x`),
]

async function runAnswers(scene: Scene): Promise<readonly Figure[]> {
  const wrong: string[] = []
  const seen = new Set<number>()
  const ask = async (place: FreshPlace, { words, exitCode }: Call, env: Readonly<Record<string, string>> = {}) => {
    const result = await runOrch(['db', ...words, '--json'], { cwd: scene.cwd, env: { ...place.env, ...env } })
    seen.add(result.exitCode)
    const fault = faultOf(result, exitCode)
    if (fault !== null) wrong.push(`${words.join(' ')}: ${fault}`)
  }
  await inFreshPlace(scene, async (place) => {
    await migrateTo(place, scene, '--to', '0004')
    for (const one of atRest) await ask(place, one)
    const held = await holdMigrationLock(place)
    await ask(place, call(14, 'migrate', '--lock-timeout', '0'))
    await held.release()
    await ask(place, call(15, 'migrate'), await withoutRoomForBackups(place, scene))
    if (place.schema !== undefined) {
      await migrateTo(place, scene)
      const index = `'${place.schema}.jobs_due'::regclass`
      await place.query(`update pg_index set indisvalid = false where indexrelid = ${index}`)
      for (const words of [['migrate', '--dry-run'], ['migrate'], ['check']]) await ask(place, call(13, ...words))
      await place.query(`update pg_index set indisvalid = true where indexrelid = ${index}`)
    }
    await change(place, `update orch_migrations set checksum = 'edited' where sequence = 2`)
    for (const words of [['migrate', '--dry-run'], ['migrate'], ['status'], ['check']])
      await ask(place, call(12, ...words))
  })
  for (const one of wrong) scene.report(`    ${one}\n`)
  const codes = [...seen].toSorted((a, b) => a - b).join(' ')
  return [noted('exit codes seen', codes), exactly('answers that are not as published', wrong.length, 0)]
}

/** Null when the answer is as it must be; `runOrch` itself holds documents to their schemas. */
function faultOf({ exitCode, stdout, stderr }: OrchResult, wanted: number): string | null {
  if (exitCode !== wanted) return `exit ${exitCode} instead of ${wanted}: ${stderr}${stdout.slice(0, 200)}`
  if (`${stdout}${stderr}`.includes(secret)) return 'it tells the password'
  const streams = [stdout, stderr].map((text) => text.split('\n').filter((line) => line !== ''))
  const [documents = [], errors = []] = streams
  if (documents.length + errors.length !== 1)
    return `${documents.length} documents and ${errors.length} lines on stderr`
  const answer = JSON.parse(documents[0] ?? errors[0] ?? '') as Record<string, unknown>
  if (answer['version'] !== 1) return 'it has no version'
  return errors.length === 0 || answer['exitCode'] === wanted ? null : `it says exit ${String(answer['exitCode'])}`
}

/** A file where the directory of the backups would be. */
async function withoutRoomForBackups(
  { url, schema }: FreshPlace,
  { cwd }: Scene,
): Promise<Readonly<Record<string, string>>> {
  if (schema === undefined) {
    rmSync(`${url}.backups`, { recursive: true, force: true })
    writeFileSync(`${url}.backups`, '')
    return {}
  }
  const state = join(cwd, 'no-directory')
  writeFileSync(state, '')
  return { ORCH_STATE_DIR: state }
}

/** SQL from outside of orch. */
async function change({ url, schema, query }: FreshPlace, text: string): Promise<void> {
  if (schema === undefined) new SqliteFile(url).exec(text).close()
  else await query(`set search_path to ${schema}; ${text}`)
}

async function runOnlyForward(scene: Scene): Promise<readonly Figure[]> {
  const [back, states] = await Promise.all([
    inFreshPlace(scene, (place) => wayBack(place, scene)),
    inFreshPlace(scene, (place) => statesTold(place, scene)),
  ])
  return [...back, ...states]
}

async function wayBack(place: FreshPlace, scene: Scene): Promise<readonly Figure[]> {
  const orch = (...words: string[]) => runOrch(['db', ...words], { cwd: scene.cwd, env: place.env })
  await migrateTo(place, scene, '--to', '0004')
  await migrateTo(place, scene)
  // A run that is refused has opened the file, and closed it.
  const before = await place.trace({ times: false })
  const refusals = [await orch('migrate', '--to', '0004'), await orch('migrate', '--dry-run', '--to', '0004')]
  const refused = refusals.filter(({ exitCode }) => exitCode === 5).length
  const untouched = (await place.trace({ times: false })) === before
  const path = /orch db restore (\S+)/.exec(refusals[0]?.stderr ?? '')?.[1] ?? ''
  const restored = await orch('restore', path, '--yes')
  if (restored.exitCode !== 0) scene.report(`    ${restored.stderr}\n`)
  const applied = (await statesOf(place, scene)).filter(({ state }) => state === 'applied').map(({ name }) => name)
  const isBack = applied.length === 4 && applied.at(-1)?.startsWith('0004') === true
  return [
    exactly('downgrades refused', refused, 2),
    exactly('refusals that touched something', untouched ? 0 : 1, 0),
    exactly('states reached with the restore command that a refusal names', isBack ? 1 : 0, 1),
  ]
}

interface State {
  readonly name: string
  readonly state: string
}

async function statesOf({ env }: FreshPlace, { cwd }: Scene): Promise<readonly State[]> {
  const result = await runOrch(['db', 'status', '--json'], { cwd, env })
  return documentOf<{ readonly migrations: readonly State[] }>(result).data.migrations
}

async function statesTold(place: FreshPlace, scene: Scene): Promise<readonly Figure[]> {
  const nameOf = (number: string) => migrations.find(({ name }) => name.startsWith(number))?.name ?? ''
  await migrateTo(place, scene, '--to', '0016')
  await change(place, `delete from orch_migrations where name = '${nameOf('0006')}'`)
  await migrateTo(place, scene, '--to', '0006')
  await change(place, `update orch_migrations set checksum = 'edited' where name = '${nameOf('0002')}'`)
  await change(place, 'drop table job_locks')
  await change(
    place,
    `insert into orch_migrations (sequence, name, checksum, outcome, duration_ms, tool_version, applied_at)
     values (99, '9999-later', 'x', 'applied', 1, '99', 1)`,
  )
  const told = new Map((await statesOf(place, scene)).map(({ name, state }) => [name, state]))
  const wanted: Readonly<Record<string, string>> = {
    [nameOf('0001')]: 'applied',
    [nameOf('0006')]: 'adopted',
    [nameOf('0017')]: 'pending',
    [nameOf('0002')]: 'drifted',
    [nameOf('0015')]: 'missing',
    '9999-later': 'unknown',
  }
  const wrong = Object.entries(wanted).filter(([name, state]) => told.get(name) !== state)
  for (const [name, state] of wrong) scene.report(`    ${name} is ${told.get(name)}, not ${state}\n`)
  return [noted('states', Object.values(wanted).join(' ')), exactly('states told wrong', wrong.length, 0)]
}
