/** Promise 11, the part about keys: no key ever reaches a child, a log, the database or the screen. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describePostgres, describeSqlite, temporaryDirectory, type OpenTestDatabase } from '../support/databases.ts'
import { startFakeModelServer, type FakeReply } from '../support/fake-model-server.ts'
import { runOrch } from '../support/run-orch.ts'

/** One key of every shape vendors use, and one of no shape at all. */
const canaries = [
  'sk-proj-CANARYabcdefghijklmnop0001',
  'sk-ant-api03-CANARYabcdefghijkl0002',
  'sk-or-v1-CANARYabcdefghijklmnop0003',
  'AIzaSyCANARYabcdefghijklmnopqrstuv0004',
  'gsk_CANARYabcdefghijklmnop0005',
  'CANARY.plain.words.0006',
  'CANARY/with+slashes==0007',
  'hf_CANARYabcdefghijklmnop0008',
]

/** Ways in which a server can fail; several repeat the key, as real ones do. */
const failures: readonly ((key: string) => FakeReply)[] = [
  (key) => ({
    status: 401,
    body: { error: { message: `Incorrect API key provided: ${key}`, code: 'invalid_api_key' } },
  }),
  (key) => ({ status: 500, body: `<html>${key}</html>` }),
  (key) => ({ status: 429, headers: { 'x-echo': encodeURIComponent(key) }, body: { error: { message: key } } }),
  (key) => ({ status: 302, headers: { location: `http://127.0.0.1:9/?key=${encodeURIComponent(key)}` } }),
  (key) => ({ status: 200, body: { error: { code: 502, message: Buffer.from(key).toString('base64') } } }),
  () => ({ cut: 'before-headers' }),
  (key) => ({ text: `your key is ${key}`, finish: 'content_filter' }),
]

/** What a key looks like is nothing to the engine: a server takes one that every pattern knows, and two that none does. */
const canariesOfServer = [canaries[0], canaries[5], canaries[6]].filter((key) => key !== undefined)

describeSqlite('a key', (open) => keySuite(open, canaries))
describePostgres('a key', (open) => keySuite(open, canariesOfServer))

function keySuite(open: OpenTestDatabase, keys: readonly string[]): void {
  it.each(keys)('%s is on no screen, in no error and in no database, whatever goes wrong', async (key) => {
    let failure = failures[0]
    const server = await startFakeModelServer({ models: ['m'], key, respond: () => failure?.(key) ?? {} })
    const { url, schema, db } = await open()
    const cwd = temporaryDirectory()
    const env: Record<string, string> = { ORCH_DATABASE_URL: url, WORK_KEY: key }
    if (schema !== undefined) env['ORCH_DB_SCHEMA'] = schema
    const said: string[] = []
    const run = async (...argv: string[]) => {
      const { stdout, stderr } = await runOrch(argv, { cwd, env })
      said.push(stdout, stderr)
    }
    await run('db', 'trust')
    await run('providers', 'add', 'lab', '--kind', 'openai-compatible', '--base-url', server.url)
    await run('providers', 'key', 'lab', '--env', 'WORK_KEY')
    for (failure of failures) await run('providers', 'test', 'lab', '--verbose')
    await run('providers', 'test', 'lab', '--json')
    await run('providers', 'show', 'lab', '--json')
    await run('providers', 'list')
    await server.close()

    // The key did travel, or this test would prove nothing.
    expect(server.calls().length).toBeGreaterThan(failures.length)
    expect(said.join('\n')).not.toContain(key)
    for (const form of [encodeURIComponent(key), Buffer.from(key).toString('base64')]) {
      expect(said.join('\n')).not.toContain(form)
    }
    const rows = await Promise.all([
      db.selectFrom('provider_config').selectAll().execute(),
      db.selectFrom('provider_health').selectAll().execute(),
      db.selectFrom('model_usage').selectAll().execute(),
    ])
    expect(rows[2].length).toBeGreaterThan(failures.length)
    expect(JSON.stringify(rows)).not.toContain(key)
    expect(filesUnder(cwd).filter((path) => readFileSync(path, 'latin1').includes(key))).toEqual([])
  })
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, String(name)))
    .filter((path) => statSync(path).isFile())
}
