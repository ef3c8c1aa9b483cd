/** `orch jobs run` as process 1 of a container, without a reader, and on a terminal that is closed. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { processStat } from '../../src/workspace/process-identity.ts'
import { describeSqlite, temporaryDirectory, type TestDatabase } from '../support/databases.ts'
import { storeRows } from '../support/job-rows.ts'
import { hermeticEnv, listensToSignals, runOrchProcess } from '../support/run-orch.ts'

const bin = new URL('../../bin/orch.js', import.meta.url).pathname
const program = [process.execPath, bin, 'jobs', 'run'] as const

/** A new pid namespace, in which the program is process 1. */
const asProcessOne = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const

function works(command: string, argv: readonly string[]): boolean {
  try {
    execFileSync(command, argv, { stdio: 'ignore', timeout: 10_000 })
    return true
  } catch {
    return false
  }
}

const canUnshare = works('unshare', ['--pid', '--fork', '--mount-proc', 'true'])
const hasScript = works('script', ['-qec', 'true', '/dev/null'])

async function startRun(database: TestDatabase, argv: readonly string[], sleepMs: number) {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, '.orch'))
  writeFileSync(join(cwd, '.orch', 'workspace.json'), '{"version":1,"id":"test"}\n')
  const run = ['node', '-e', `setTimeout(() => {}, ${sleepMs})`] as const
  const jobs = [{ key: 'a', executor: 'command' as const, role: null, run }]
  // Marks of processes are made of ids, and other tests run beside this one.
  await storeRows(database, { slug: `around-${process.pid}`, jobs, project: { workspace: cwd } })
  await runOrchProcess(['db', 'trust', '--yes'], { cwd, env: database.env })
  const [command = '', ...rest] = argv
  const child = spawn(command, rest, {
    cwd,
    env: hermeticEnv(cwd, database.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const exit = once(child, 'exit').then(([code, signal]) => `${signal ?? code}`)
  return { child, exit, errors: () => errors }
}

async function job({ db }: TestDatabase) {
  const row = await db.selectFrom('jobs').select(['state', 'try', 'interruptions']).executeTakeFirstOrThrow()
  return row
}

async function isRunning(database: TestDatabase): Promise<void> {
  await expect.poll(async () => (await job(database)).state, { timeout: 20_000 }).toBe('running')
}

/** The only child of a process. */
function childOf({ pid }: ChildProcess): number {
  const ids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  const found = ids.find((id) => processStat(id)?.parent === pid)
  if (found === undefined) throw new Error('there is no child')
  return found
}

describeSqlite('orch jobs run', (open) => {
  it.runIf(canUnshare)('drains as process 1 of a container, where nothing has a default action', async () => {
    const database = await open()
    const { child, exit } = await startRun(database, [...asProcessOne, ...program], 1000)
    await isRunning(database)
    process.kill(childOf(child), 'SIGTERM')
    expect(await exit).toBe('130')
    expect(await job(database)).toMatchObject({ state: 'completed' })
  })

  it.runIf(canUnshare)('ends with the third signal as process 1, also before it has done anything', async () => {
    const database = await open()
    const { child, exit } = await startRun(database, [...asProcessOne, ...program], 60_000)
    await expect.poll(() => childOf(child), { timeout: 10_000 }).toBeGreaterThan(0)
    await listensToSignals({ pid: childOf(child), exitCode: null })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.kill(childOf(child), signal)
    expect(await exit).toBe('130')
  })

  it('goes on in silence when nobody reads what it prints', async () => {
    const database = await open()
    const { child, exit, errors } = await startRun(database, [...program, '--until-idle'], 500)
    child.stdout?.destroy()
    expect(await exit).toBe('0')
    expect(errors()).toBe('')
    expect(await job(database)).toMatchObject({ state: 'completed' })
  })

  it.runIf(hasScript)('drains when its terminal is closed', async () => {
    const database = await open()
    const { child } = await startRun(database, ['script', '-qec', program.join(' '), '/dev/null'], 1000)
    await isRunning(database)
    child.kill('SIGKILL')
    await expect.poll(async () => (await job(database)).state, { timeout: 20_000 }).toBe('completed')
    const stopped = () => database.db.selectFrom('scheduler_instances').select('stopped_at').executeTakeFirst()
    await expect.poll(async () => (await stopped())?.stopped_at ?? null, { timeout: 20_000 }).not.toBeNull()
  })
})
