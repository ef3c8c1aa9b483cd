/**
 * A database that goes away again and again under load, while runners are killed: a Postgres that is restarted; on
 * SQLite a file that a foreign writer keeps locked or that is not where it was.
 */
import { renameSync } from 'node:fs'
import SqliteFile from 'better-sqlite3'
import { migrations } from '../../migrations/index.ts'
import { openDatabase } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom, type Random } from '../../src/runtime/random.ts'
import { startFakeModelServer } from '../support/fake-model-server.ts'
import { startRestartablePostgres } from '../support/postgres-server.ts'
import { callName, callsOf, databaseEnvironment, killDagJobs, prepareKillDag, replyTo } from './kill-dag-project.ts'
import { pause } from './kill-turns.ts'
import { judgeDatabase, KillWitness } from './kill-witness.ts'
import {
  atLeast,
  atMost,
  exactly,
  noted,
  type Figure,
  type OpenedDatabase,
  type Scene,
  type Size,
  type TortureLine,
} from './line.ts'
import { OpenTransactions } from './open-transactions.ts'
import { OutageRunners, resumeWithinMs, timeFigure, type Absence } from './outage-runners.ts'

interface Extent {
  readonly jobs: number
  readonly absences: number
  readonly runners: number
  /** Between the starts of two absences. */
  readonly everyMs: readonly [number, number]
  readonly killEvery: number
  readonly slowMs: number
}

const extents: Readonly<Record<Size, Extent>> = {
  short: { jobs: 10, absences: 1, runners: 2, everyMs: [100, 300], killEvery: 1, slowMs: 250 },
  normal: { jobs: 400, absences: 20, runners: 3, everyMs: [3000, 6000], killEvery: 2, slowMs: 400 },
  full: { jobs: 1500, absences: 100, runners: 4, everyMs: [4000, 8000], killEvery: 2, slowMs: 400 },
}

export const postgresRestarts: TortureLine = {
  name: 'postgres-restarts',
  promise:
    'a database that is restarted, locked or moved under load, with runners killed beside, loses and repeats nothing',
  run: async (scene, size) => {
    const extent = extents[size]
    if (scene.engine === 'SQLite') {
      const opened = await scene.open()
      return play(scene, {
        size,
        extent: forFiles(extent),
        opened,
        outage: (index, random) => holdFile(opened.url, index, random),
      })
    }
    const server = await startRestartablePostgres()
    const database = await openDatabase(server.url, {
      clock: systemClock,
      random: seededRandom(scene.seed),
      schema: 'torture',
    })
    const transactions = new OpenTransactions(server.url)
    try {
      await migrate(database, { migrations, clock: systemClock, toolVersion: 'torture' })
      const outage = async (index: number, random: Random) => {
        await server.halt(index % 2 === 0 ? 'fast' : 'immediate')
        await pause(200 + random.next() * 1800)
        await server.start()
      }
      const opened = { database, url: server.url, schema: 'torture' }
      const figures = await play(scene, { size, extent, opened, outage })
      return [...figures, ...transactionFigures(transactions, extent, size)]
    } finally {
      await transactions.end()
      await database.close()
      await server.stop()
    }
  },
}

/** Both engines together must fit into the time of a line, and files go away faster than servers. */
function forFiles(extent: Extent): Extent {
  const [jobs, absences] = [Math.ceil(extent.jobs * 0.4), Math.ceil(extent.absences * 0.4)]
  const [shortest, longest] = extent.everyMs
  return { ...extent, jobs, absences, everyMs: [shortest / 2, longest / 2] }
}

/**
 * A transaction that is open across a model call is idle for as long as that call takes. A busy machine may keep a
 * client waiting as long, so the short form only tells.
 */
function transactionFigures({ looks, longestMs }: OpenTransactions, { slowMs }: Extent, size: Size): readonly Figure[] {
  const name = 'longest idle transaction, ms'
  const limit = { limit: slowMs, unit: 'ms, the shortest model call' }
  return [
    noted('looks at open transactions', looks),
    size === 'short' ? noted(name, longestMs) : atMost(name, longestMs, limit),
  ]
}

interface Play {
  readonly size: Size
  readonly extent: Extent
  readonly opened: OpenedDatabase
  /** Takes the database away and brings it back. */
  readonly outage: (index: number, random: Random) => Promise<void>
}

const longestEndMs = 60_000

async function play(scene: Scene, { size, extent, opened, outage }: Play): Promise<readonly Figure[]> {
  const jobs = killDagJobs(extent.jobs, scene.seed)
  const random = seededRandom(scene.seed)
  const witness = new KillWitness(opened.database)
  const absences: Absence[] = []
  const models = await startFakeModelServer({
    respond: (request) => {
      witness.calls.push({ name: callName(request), atMs: Date.now() })
      // There must be work until the last absence, and not much of it afterwards.
      const ahead = witness.calls.length / callsOf(jobs) > (absences.length + 0.5) / extent.absences
      return replyTo(request, ahead ? extent.slowMs * 4 : extent.slowMs)
    },
  })
  let runners: OutageRunners | null = null
  try {
    await prepareKillDag({ ...opened, cwd: scene.cwd, modelServerUrl: models.url }, jobs)
    runners = new OutageRunners(
      { cwd: scene.cwd, env: databaseEnvironment(opened), flags: ['--concurrency', '4'] },
      extent.runners,
    )
    await runners.startSince(0, 30_000)
    for (let index = 0; index < extent.absences; index += 1) {
      const [shortest, longest] = extent.everyMs
      await pause(shortest + random.next() * (longest - shortest))
      const fromMs = performance.now()
      const killed = index % extent.killEvery === 0 ? killWithin(runners, random) : null
      await outage(index, random)
      absences.push({ fromMs, toMs: performance.now() })
      await killed
      await runners.startSince(performance.now(), resumeWithinMs)
      await witness.look()
    }
    await untilOver(opened, longestEndMs)
    await witness.look()
    const verdict = await judgeDatabase(opened.database)
    return figuresOf({ runners, absences, extent, size, verdict, boughtAgain: witness.boughtAgain().length })
  } finally {
    await runners?.end()
    await models.close()
  }
}

/** Somewhere before, in or after the absence. */
async function killWithin(runners: OutageRunners, random: Random): Promise<void> {
  await pause(random.next() * 2500)
  await runners.killOne()
}

/** A foreign process keeps the write lock, or the file is somewhere else for a while. */
async function holdFile(path: string, index: number, random: Random): Promise<void> {
  const heldMs = 1000 + random.next() * 2000
  if (index % 2 === 1) {
    renameSync(path, `${path}.away`)
    await pause(heldMs)
    renameSync(`${path}.away`, path)
    return
  }
  const foreign = new SqliteFile(path, { timeout: 5000 })
  try {
    foreign.exec('begin exclusive')
    await pause(heldMs)
    foreign.exec('rollback')
  } finally {
    foreign.close()
  }
}

async function untilOver({ database }: OpenedDatabase, withinMs: number): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (performance.now() < giveUpAt) {
    const open = await database.db
      .selectFrom('jobs')
      .select('id')
      .where('state', 'in', ['blocked', 'ready', 'running'])
      .limit(1)
      .execute()
    if (open.length === 0) return
    await database.db.updateTable('jobs').set({ hold: null }).where('hold', '=', 'quarantine').execute()
    await pause(200)
  }
}

interface Outcome {
  readonly runners: OutageRunners
  readonly absences: readonly Absence[]
  readonly extent: Extent
  readonly size: Size
  readonly verdict: Awaited<ReturnType<typeof judgeDatabase>>
  readonly boughtAgain: number
}

function figuresOf({ runners, absences, extent, size, verdict, boughtAgain }: Outcome): readonly Figure[] {
  const resumed = absences.map((absence) => runners.resumedAfterMs(absence)).filter(Number.isFinite)
  const deserters = runners.deserters
  return [
    atLeast('times the database was away', absences.length, { limit: extent.absences }),
    atLeast('runners killed', runners.kills, { limit: Math.floor(extent.absences / extent.killEvery) }),
    exactly('jobs completed', verdict.states['completed'] ?? 0, extent.jobs),
    exactly('jobs not completed exactly once', verdict.notOnce, 0),
    exactly('tries charged', verdict.tries, 0),
    exactly('committed calls bought again', boughtAgain, 0),
    exactly('runners that ended by themselves', deserters.length, 0),
    ...deserters.slice(0, 2).map((runner) => noted('its last words', runner.stderr.slice(-200))),
    timeFigure(size, 'longest time from return to claim', { ms: Math.max(0, ...resumed), limit: resumeWithinMs }),
    exactly('causes said more than once', runners.repetitions(absences), 0),
  ]
}
