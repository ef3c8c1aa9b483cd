/** Real signals to the real program, whose one job is a command that takes its time. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeEachDatabase, temporaryDirectory, type TestDatabase } from '../support/databases.ts'
import { storeRows } from '../support/job-rows.ts'
import { hermeticEnv, listensToSignals, runOrchDone } from '../support/run-orch.ts'

const bin = new URL('../../bin/orch.js', import.meta.url).pathname

async function startRun(database: TestDatabase, sleepMs: number, { early }: { readonly early?: NodeJS.Signals } = {}) {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, '.orch'))
  writeFileSync(join(cwd, '.orch', 'workspace.json'), '{"version":1,"id":"test"}\n')
  const run = ['node', '-e', `setTimeout(() => {}, ${sleepMs})`] as const
  const job = { key: 'a', executor: 'command' as const, role: null, run }
  // Marks of processes are made of ids, and other tests run beside this one.
  const slug = `signals-${process.pid}`
  await storeRows(database, { slug, jobs: [job, { ...job, key: 'b', dependsOn: ['a'] }], project: { workspace: cwd } })
  const schema: Record<string, string> = database.schema === undefined ? {} : { ORCH_DB_SCHEMA: database.schema }
  const env = { ORCH_DATABASE_URL: database.url, ...schema }
  await runOrchDone(['db', 'trust', '--yes'], { cwd, env })
  const child = spawn(process.execPath, [bin, 'jobs', 'run'], {
    cwd,
    env: hermeticEnv(cwd, env),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const exit = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(`${signal ?? code}`)))
  const says = async (text: string) => {
    await expect.poll(() => output, { timeout: 20_000, interval: 20 }).toContain(text)
  }
  if (early === undefined) await says('started')
  else {
    await listensToSignals(child)
    child.kill(early)
  }
  return { child, exit, says }
}

async function stateOf({ db }: TestDatabase, key: string) {
  return db.selectFrom('jobs').selectAll().where('key', '=', key).executeTakeFirstOrThrow()
}

describeEachDatabase('orch jobs run, told to stop', (open) => {
  it.each(['SIGINT', 'SIGHUP'] as const)('by %s, ends what runs, starts nothing new and exits 130', async (signal) => {
    const database = await open()
    const { child, exit, says } = await startRun(database, 1500)
    child.kill(signal)
    await says('draining')
    expect(await exit).toBe('130')
    expect(await stateOf(database, 'a')).toMatchObject({ state: 'completed' })
    expect(await stateOf(database, 'b')).toMatchObject({ state: 'ready', attempt: 0 })
  })

  it('twice, kills what runs and gives it back, the try not charged', async () => {
    const database = await open()
    const { child, exit, says } = await startRun(database, 60_000)
    child.kill('SIGINT')
    await says('draining')
    child.kill('SIGTERM')
    expect(await exit).toBe('130')
    expect(await stateOf(database, 'a')).toMatchObject({ state: 'ready', try: 1, interruptions: 0, lease_owner: null })
  })

  it('a third time, ends at once with 130, whatever hangs', async () => {
    const database = await open()
    const { child, exit } = await startRun(database, 60_000)
    // A process that is frozen takes all three in one moment: nothing it waits for has ended by then.
    child.kill('SIGSTOP')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.kill(signal)
    child.kill('SIGCONT')
    expect(await exit).toBe('130')
  })

  it('before it has claimed anything, claims nothing', async () => {
    const database = await open()
    const { child, exit } = await startRun(database, 60_000, { early: 'SIGTERM' })
    expect(await exit).toBe('130')
    expect(child.signalCode).toBeNull()
    expect(await stateOf(database, 'a')).toMatchObject({ state: 'ready', attempt: 0 })
  })
})
