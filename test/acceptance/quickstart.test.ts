import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import { parseJobBrief } from '../../src/domain/job-brief.ts'
import { startFakeModelServer, type FakeReply, type FakeRequest } from '../support/fake-model-server.ts'
import { runOrch, runOrchDone, documentOf } from '../support/run-orch.ts'

interface ListedJob {
  readonly job: string
  readonly state: string
  readonly rehearsed: boolean
}

describeEachDatabase('quickstart', (open) => {
  test('without a provider runs the sample to its end and says what was simulated', async () => {
    const { env } = await open({ migrate: false })
    const cwd = temporaryDirectory()
    const result = await runOrchDone(['quickstart'], { cwd, env: onlyServer(env) })
    expect(result.stderr).toContain('rehearsal')
    expect(result.stdout).toContain('Simulated, not written by a model')
    const jobs = documentOf<ListedJob[]>(
      await runOrchDone(['jobs', 'list', '--json'], { cwd, env: onlyServer(env) }),
    ).data
    expect(jobs.length).toBeGreaterThan(4)
    expect(new Set(jobs.map((job) => job.state))).toEqual(new Set(['completed']))
    expect(jobs.some((job) => job.rehearsed)).toBe(true)
    expect(jobs.some((job) => !job.rehearsed)).toBe(true)
    expect(existsSync(join(cwd, 'orch-report'))).toBe(true)
  })
})

/** SQLite tests use the project's own file, as a newcomer does. */
function onlyServer(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return env['ORCH_DATABASE_URL']?.startsWith('postgres') === true ? env : {}
}

/** Writes each deliverable with the tool where there is one, and in prose otherwise. */
function diligent({ tools, toolResults, prompt }: FakeRequest): FakeReply {
  const content = 'Written by the model of the test.'
  if (!tools.includes('submit')) return { text: content }
  const path = parseJobBrief(prompt)?.deliverables[toolResults]
  const call =
    path === undefined
      ? { name: 'submit', input: { summary: 'written', claims: [] } }
      : { name: 'write', input: { path, content } }
  return { toolCalls: [call] }
}

test('with a model server on this machine the model jobs are real', async () => {
  const server = await startFakeModelServer({ respond: diligent })
  onTestFinished(() => server.close())
  const cwd = temporaryDirectory()
  const env = { ORCH_DETECT: 'on', ORCH_DETECT_PORTS: `ollama=${server.port}` }
  const result = await runOrchDone(['quickstart'], { cwd, env })
  expect(result.stdout).not.toContain('Simulated')
  expect(server.calls().length).toBeGreaterThan(0)
  const written = result.stdout.match(/orch-report\/\S+\.md/g) ?? []
  expect(written.map((path) => readFileSync(join(cwd, path), 'utf8')).join('')).toContain('Written by the model')
})

test('a second quickstart makes a second project and loses nothing', async () => {
  const cwd = temporaryDirectory()
  await runOrchDone(['quickstart'], { cwd })
  await runOrchDone(['quickstart'], { cwd })
  const projects = documentOf<{ slug: string }[]>(await runOrch(['project', 'list', '--json'], { cwd })).data
  expect(projects.map(({ slug }) => slug).toSorted()).toEqual(['repo-report', 'repo-report-2'])
})
