/**
 * npm run bench:scheduler: what orch adds to the work itself. 10 layers of 100 jobs on the rehearsal provider,
 * constant latency, through the real executor, journal and spool. Overhead = (wall - makespan of the same order at
 * zero overhead) / jobs. Ends with status 1 when the bound is broken.
 * usage: npm run bench:scheduler [-- sqlite|postgres...]
 */
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareWork } from '../../src/cli/commands/jobs/run-work.ts'
import { parseRunOptions } from '../../src/cli/commands/jobs/run-options.ts'
import { createContext, type Context } from '../../src/context.ts'
import { simulateSchedule } from '../../src/domain/schedule.ts'
import { rehearsalAddress } from '../../src/providers/rehearsal-settings.ts'
import { SchedulerRun } from '../../src/scheduling/scheduler-run.ts'
import { processJudge } from '../../src/scheduling/run-jobs.ts'
import { storeRows } from '../support/job-rows.ts'
import { startPostgres } from '../support/postgres-server.ts'

const layers = 10
const width = 100
const latencyMs = 50
const concurrency = 20
/** Milliseconds per job, on SQLite. */
const bound = 5

/** Every job waits for two of the layer before it, so that layers overlap as they do in real plans. */
const jobs = Array.from({ length: layers * width }, (_, index) => {
  const [layer, place] = [Math.floor(index / width), index % width]
  const key = (at: number) => `l${layer - 1}-${String(at % width).padStart(3, '0')}`
  const dependsOn = layer === 0 ? [] : [key(place), key(place + 1)]
  return { key: `l${layer}-${String(place).padStart(3, '0')}`, dependsOn, model: 'rehearsal/simulated' }
})

async function measure(url: string, cwd: string): Promise<number> {
  const context = benchContext(url, cwd)
  try {
    const { database } = await context.migrate()
    context.trust.trust(database.address)
    await storeRows(database, { jobs, project: { workspace: cwd } })
    const at = Date.now()
    await database.db
      .insertInto('provider_config')
      .values({
        id: 'rehearsal',
        label: 'bench',
        kind: 'rehearsal',
        base_url: rehearsalAddress({ latencyMs }),
        enabled: 1,
        created_at: at,
        updated_at: at,
      })
      .execute()
    const wallMs = await run(context)
    const { rows } = { rows: await database.db.selectFrom('jobs').select(['state']).distinct().execute() }
    if (rows.length !== 1 || rows[0]?.state !== 'completed') throw new Error(`not completed: ${JSON.stringify(rows)}`)
    return wallMs
  } finally {
    await context.close()
  }
}

async function run(context: Context): Promise<number> {
  const options = { ...parseRunOptions({ untilIdle: true }), allowRehearsal: true }
  const work = await prepareWork(context, options)
  const { clock, random, ids } = context
  let endedAt = 0
  const scheduler = new SchedulerRun(
    {
      ...processJudge(),
      ...work,
      clock,
      random,
      ids,
      notify: (event) => {
        if (event.kind === 'ended') endedAt = performance.now()
      },
    },
    {
      concurrency,
      projectSlug: null,
      leaseMs: 20_000,
      databaseTrusted: true,
      version: context.version,
      untilIdle: true,
      maxWaitMs: 60_000,
      graceMs: null,
    },
  )
  const startedAt = performance.now()
  await scheduler.run()
  return endedAt - startedAt
}

function benchContext(url: string, cwd: string): Context {
  const output = { write: () => true }
  const env = {
    HOME: cwd,
    ORCH_CONFIG_DIR: join(cwd, 'config'),
    ORCH_STATE_DIR: join(cwd, 'state'),
    ORCH_DETECT: 'off',
  }
  return createContext({
    globals: { db: url, json: false, quiet: true, verbose: false, color: false, yes: true },
    env,
    cwd,
    streams: { stdin: process.stdin, stdout: output, stderr: output },
    signals: { listen: () => () => {} },
    warn: (message) => console.error(`warning: ${message}`),
  })
}

/** Medians of what the machine itself costs: an empty process, and one durable write of a page. */
function calibrate(cwd: string): { readonly emptyProcessMs: number; readonly fsyncMs: number } {
  const timed = (work: () => void) => {
    const samples = Array.from({ length: 15 }, () => {
      const start = performance.now()
      work()
      return performance.now() - start
    })
    return samples.toSorted((a, b) => a - b)[7] ?? 0
  }
  const file = openSync(join(cwd, 'fsync'), 'w')
  const page = Buffer.alloc(4096, 1)
  const fsyncMs = timed(() => {
    writeSync(file, page)
    fsyncSync(file)
  })
  closeSync(file)
  return { emptyProcessMs: timed(() => spawnSync(process.execPath, ['-e', '0'])), fsyncMs }
}

function report(engine: string, wallMs: number, makespanMs: number): number {
  const overheadMs = (wallMs - makespanMs) / jobs.length
  const parts = [
    `wall ${wallMs.toFixed(0)} ms`,
    `makespan ${makespanMs} ms`,
    `overhead ${overheadMs.toFixed(2)} ms/job`,
  ]
  console.log(`${engine.padEnd(9)} ${parts.join('  ')}`)
  return overheadMs
}

async function inWorkspace<T>(work: (cwd: string) => Promise<T>): Promise<T> {
  const cwd = mkdtempSync(join(tmpdir(), 'orch-bench-'))
  try {
    mkdirSync(join(cwd, '.orch'))
    writeFileSync(join(cwd, '.orch', 'workspace.json'), '{"version":1,"id":"bench"}\n')
    return await work(cwd)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

const wanted = process.argv.slice(2)
const timed = jobs.map(({ key, dependsOn }) => ({ key, dependsOn, priority: 1, durationMs: latencyMs }))
const { makespanMs } = simulateSchedule(timed, concurrency)
const machine = await inWorkspace(async (cwd) => calibrate(cwd))
console.log(`machine   node -e 0 ${machine.emptyProcessMs.toFixed(0)} ms  write+fsync ${machine.fsyncMs.toFixed(2)} ms`)
if (wanted.length === 0 || wanted.includes('sqlite')) {
  const wallMs = await inWorkspace((cwd) => measure(join(cwd, 'orch.db'), cwd))
  if (report('SQLite', wallMs, makespanMs) > bound) {
    console.log(`          TOO SLOW: the bound is ${bound} ms/job`)
    process.exitCode = 1
  }
}
if (wanted.length === 0 || wanted.includes('postgres')) {
  const server = await startPostgres()
  try {
    report('Postgres', await inWorkspace((cwd) => measure(server.url, cwd)), makespanMs)
  } finally {
    await server.stop()
  }
}
