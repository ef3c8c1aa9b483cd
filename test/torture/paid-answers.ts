/** The database goes away after answers have arrived, and runners die between the last byte and the commit. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { migrations } from '../../migrations/index.ts'
import { openDatabase } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import { startFakeModelServer } from '../support/fake-model-server.ts'
import { Door, failing, locked, movedAway, smallDisk, waitUntil, type Trouble } from './database-trouble.ts'
import { databaseEnvironment, prepareKillDag, type KillDagPlace } from './kill-dag-project.ts'
import { pause } from './kill-turns.ts'
import { exactly, noted, type Figure, type OpenedDatabase, type Scene, type Size, type TortureLine } from './line.ts'
import { Runner } from './runner.ts'

interface Amounts {
  readonly causes: readonly string[]
  readonly jobs: number
  readonly awayMs: number
  /** Longer than a write waits for a lock by itself. */
  readonly lockedMs: number
  readonly kills: number
}

const every = ['locked', 'stopped', 'full', 'read-only']
const sizes: Readonly<Record<Size, Amounts>> = {
  short: { causes: ['locked'], jobs: 3, awayMs: 400, lockedMs: 400, kills: 1 },
  normal: { causes: every, jobs: 6, awayMs: 10_000, lockedMs: 35_000, kills: 20 },
  full: { causes: every, jobs: 12, awayMs: 150_000, lockedMs: 150_000, kills: 250 },
}
/** The calls that are under way together when the trouble begins. */
const together = 3
const patienceMs = 120_000

export const paidAnswers: TortureLine = {
  name: 'paid-answers',
  promise: 'an answer that arrived is never bought again: neither an unusable database nor a kill costs a second call',
  run: async (scene, size) => {
    const amounts = sizes[size]
    const figures: Figure[] = []
    for (const cause of amounts.causes) {
      const awayMs = cause === 'locked' ? amounts.lockedMs : amounts.awayMs
      const report = await inTrouble(scene, cause, { jobs: amounts.jobs, awayMs })
      figures.push(...(report === null ? [noted(cause, 'cannot be made on this machine')] : judge(cause, report)))
    }
    const killed = await killBetween(scene, amounts.kills)
    return [...figures, noted('kills between the last byte and the end', killed.kills), ...judge('kills', killed)]
  },
}

interface Report {
  readonly jobs: number
  readonly calls: number
  readonly completed: number
  readonly ledgerRows: number
  readonly open: number
  readonly spooled: number
}

function judge(cause: string, { jobs, calls, completed, ledgerRows, open, spooled }: Report): readonly Figure[] {
  return [
    exactly(`${cause}: calls`, calls, jobs),
    exactly(`${cause}: jobs completed`, completed, jobs),
    exactly(`${cause}: rows of the ledger`, ledgerRows, jobs),
    exactly(`${cause}: reservations left open, results left in the spool`, open + spooled, 0),
  ]
}

interface Made {
  readonly opened: OpenedDatabase
  readonly trouble: Trouble
  end(): Promise<void>
}

/** Null where the machine cannot make such trouble. */
async function make(scene: Scene, cause: string): Promise<Made | null> {
  const end = async () => {}
  if (scene.engine === 'SQLite' && cause === 'full') return onSmallDisk(scene)
  // An open file stays writable whatever its mode becomes: nothing from outside makes it read-only.
  if (scene.engine === 'SQLite' && cause === 'read-only') return null
  const opened = await scene.open()
  const { database, url } = opened
  if (cause === 'locked') return { opened, trouble: locked(database, scene.engine), end }
  if (cause === 'full') return { opened, trouble: failing(database, '53100'), end }
  if (cause === 'read-only') return { opened, trouble: failing(database, '25006'), end }
  if (scene.engine === 'SQLite') return { opened, trouble: movedAway(url), end }
  const { door, url: doorUrl } = await Door.before(url)
  return { opened: { ...opened, url: doorUrl }, trouble: door.shut, end: () => door.close() }
}

async function onSmallDisk(scene: Scene): Promise<Made | null> {
  const disk = smallDisk(scene.cwd)
  if (disk === null) return null
  const url = join(disk.directory, 'orch.db')
  const database = await openDatabase(url, { clock: systemClock, random: systemRandom, create: true })
  await migrate(database, { migrations, clock: systemClock, toolVersion: 'torture' })
  const end = async () => {
    await database.close()
    disk.remove()
  }
  return { opened: { database, url, schema: undefined }, trouble: disk.fill, end }
}

async function inTrouble(
  scene: Scene,
  cause: string,
  { jobs, awayMs }: { readonly jobs: number; readonly awayMs: number },
): Promise<Report | null> {
  const made = await make(scene, cause)
  if (made === null) return null
  let answer = () => {}
  const mayAnswer = new Promise<void>((resolve) => (answer = resolve))
  const server = await startFakeModelServer({
    respond: async () => {
      await mayAnswer
      return { text: 'bought', usage: { inputTokens: 10, outputTokens: 5 } }
    },
  })
  const place = { ...made.opened, cwd: scene.cwd, modelServerUrl: server.url }
  await prepareKillDag(place, jobsOf(jobs))
  const runner = start(place, ['--concurrency', String(together)])
  try {
    await waitUntil(() => server.calls().length === together || !runner.lives, patienceMs)
    // The reservation of the last call is committed before it is sent: nothing is under way in the database.
    const mend = await made.trouble()
    answer()
    await pause(awayMs)
    await mend()
    await Promise.race([runner.ended, pause(patienceMs)])
    return await look(place, jobs, server.calls().length)
  } finally {
    if (runner.lives) await runner.kill()
    await server.close()
    await made.end()
  }
}

/** Each runner dies with an answer in hand that is in the spool, or committed and not ended. */
async function killBetween(scene: Scene, kills: number): Promise<Report & { readonly kills: number }> {
  const server = await startFakeModelServer({
    respond: () => ({ text: 'bought', usage: { inputTokens: 10, outputTokens: 5 } }),
  })
  try {
    const jobs = kills + together
    const place = { ...(await scene.open()), cwd: scene.cwd, modelServerUrl: server.url }
    await prepareKillDag(place, jobsOf(jobs))
    let killed = 0
    for (let kill = 0; kill < kills; kill++) {
      const name = kill % 3 === 2 ? 'after-errand-commit' : 'after-spool'
      const runner = start(place, ['--concurrency', '1'], { name, passage: 1 })
      await Promise.race([runner.ended, pause(patienceMs)])
      if (runner.wasKilled) killed += 1
      else if (runner.lives) await runner.kill()
    }
    await start(place, []).ended
    return { kills: killed, ...(await look(place, jobs, server.calls().length)) }
  } finally {
    await server.close()
  }
}

function jobsOf(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const key = `job-${String(index).padStart(4, '0')}`
    return { key, description: `Marker <${key}>.`, model: 'fake/fake-model' }
  })
}

function start(
  place: KillDagPlace,
  flags: readonly string[],
  crashPoint?: { readonly name: 'after-spool' | 'after-errand-commit'; readonly passage: number },
): Runner {
  const options = { cwd: place.cwd, env: databaseEnvironment(place), flags: ['--until-idle', ...flags] }
  return new Runner({ ...options, ...(crashPoint === undefined ? {} : { crashPoint }) })
}

async function look({ database: { db }, cwd }: KillDagPlace, jobs: number, calls: number): Promise<Report> {
  const completed = await db.selectFrom('jobs').select('id').where('state', '=', 'completed').execute()
  const usage = await db.selectFrom('model_usage').select('id').execute()
  const open = await db.selectFrom('reservations').select('id').where('settled_at', 'is', null).execute()
  const spool = join(cwd, '.home', 'state', 'spool')
  const results = readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
  return {
    jobs,
    calls,
    completed: completed.length,
    ledgerRows: usage.length,
    open: open.length,
    spooled: results.length,
  }
}
