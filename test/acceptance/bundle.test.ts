/**
 * `dist/` is not what the other tests run: here the built program loads every package that it loads late,
 * once each. A bundler that gives a lazy package no names, or two copies of a module, shows up here.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import { startFakeModelServer } from '../support/fake-model-server.ts'
import { documentOf, runOrchDone, runOrchProcess } from '../support/run-orch.ts'

/** The built program in a directory of its own; fails where a call does not end well. */
function program(env: Readonly<Record<string, string>> = {}) {
  const cwd = temporaryDirectory()
  const run = async (...argv: readonly string[]) => {
    const result = await runOrchProcess(argv, { cwd, env })
    expect({ call: argv.join(' '), ...result }).toMatchObject({ exitCode: 0 })
    return result
  }
  /** The same call from the sources: for what only prepares. */
  const prepare = (...argv: readonly string[]) => runOrchDone(argv, { cwd, env })
  return { run, prepare }
}

describe('the built program', () => {
  it.each(['openai', 'anthropic', 'google', 'mistral', 'groq', 'openrouter', 'ollama', 'openai-compatible'])(
    'speaks to a provider of the kind %s',
    async (kind) => {
      const server = await startFakeModelServer({ models: ['tiny-model'] })
      onTestFinished(() => server.close())
      const path = kind === 'ollama' ? '' : kind === 'google' ? '/v1beta' : '/v1'
      const { run, prepare } = program({ LAB_KEY: 'key-of-the-laboratory' })
      await prepare('init')
      await prepare('providers', 'add', 'lab', '--kind', kind, '--base-url', `${server.url}${path}`)
      await prepare('providers', 'key', 'lab', '--env', 'LAB_KEY', '--yes')
      const tested = await run('providers', 'test', 'lab', '--model', 'tiny-model', '--json')
      expect(documentOf(tested).data).toMatchObject({ ok: true })
      expect(server.calls()).toHaveLength(1)
    },
  )

  it('reads and writes YAML, and prices models', async () => {
    const { run } = program({ OPENAI_API_KEY: 'key-that-is-never-sent' })
    await run('config', 'set', 'limits.turns', '7')
    expect((await run('config', 'get', 'limits.turns')).stdout).toBe('7\n')
    await run('project', 'plan', '--blueprint', 'repo-report', '--dry-run', '--out', 'plan.yaml')
    await run('project', 'plan', '--from', 'plan.yaml', '--dry-run')
    expect((await run('schema', 'plan')).stdout).toContain('orch plan file')
    expect((await run('completion', 'complete', '--', 'jo')).stdout).toContain('jobs')
  })

  it('knows its own errors across chunks', async () => {
    const cwd = temporaryDirectory()
    const result = await runOrchProcess(['project', 'plan', '--from', 'none.yaml'], { cwd })
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain('ORCH_FILE_UNREADABLE')
  })
})

describeEachDatabase('the built program', (open) => {
  it('speaks to the engine', async () => {
    const { url, schema } = await open({ migrate: false })
    const { run } = program({ ORCH_DATABASE_URL: url, ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }) })
    await run('db', 'migrate')
    expect(documentOf(await run('jobs', 'list', '--json'))).toMatchObject({ data: [] })
  })
})
