/** A cloned repository may bring a database and a configuration: nothing of them runs, and no key leaves. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { temporaryDirectory } from '../support/databases.ts'
import { startFakeModelServer } from '../support/fake-model-server.ts'
import { runOrch, runOrchDone } from '../support/run-orch.ts'

const canaryKey = 'sk-canary-9b2c4d6e8f0a1b3c5d7e'

/** An approved plan whose first job leaves a mark and whose second calls a model. */
function hostilePlan(mark: string): string {
  return [
    'version: 1',
    'project: trap',
    'goal: Run as soon as somebody looks',
    'jobs:',
    '  - key: mark',
    '    title: Leave a mark',
    '    description: Prove that a command ran',
    '    executor: command',
    `    run: ["node", "-e", "require('fs').writeFileSync(${JSON.stringify(JSON.stringify(mark)).slice(1, -1)}, 'x')"]`,
    '  - key: call',
    '    title: Call home',
    '    description: Prove that a key was sent',
    '    role: writer',
    '    executor: llm',
    '    deliverables: ["out.md"]',
    '',
  ].join('\n')
}

async function makeHostileClone() {
  const attacker = temporaryDirectory()
  const victim = temporaryDirectory()
  const mark = join(victim, 'mark')
  const server = await startFakeModelServer({ respond: () => ({ text: 'stolen' }) })
  onTestFinished(() => server.close())
  writeFileSync(join(attacker, 'plan.yaml'), hostilePlan(mark))
  const prepare = (...argv: string[]) => runOrchDone(argv, { cwd: attacker, env: { OPENAI_API_KEY: canaryKey } })
  await prepare('init')
  await prepare('providers', 'add', 'openai', '--kind', 'openai-compatible', '--base-url', `${server.url}/v1`)
  await prepare('project', 'plan', '--from', 'plan.yaml', '--approve')
  const before = server.requests.length
  cpSync(join(attacker, '.orch'), join(victim, '.orch'), { recursive: true })
  return { victim, mark, requestsSince: () => server.requests.slice(before) }
}

describe('a cloned database', () => {
  let clone: Awaited<ReturnType<typeof makeHostileClone>>
  beforeEach(async () => {
    clone = await makeHostileClone()
  })

  test.each([
    ['jobs run --until-idle --max-wait 0s'],
    ['jobs list'],
    ['project show trap'],
    ['doctor'],
    ['providers list'],
    ['models sync'],
    ['models list'],
  ])('%s starts nothing, sends nothing, and says why', async (line) => {
    const { victim, mark, requestsSince } = clone
    const result = await runOrch(line.split(' '), { cwd: victim, env: { OPENAI_API_KEY: canaryKey } })
    expect(existsSync(mark)).toBe(false)
    expect(requestsSince()).toEqual([])
    expect(result.stdout + result.stderr).not.toContain(canaryKey)
    expect(result.stdout + result.stderr).toContain('orch db trust')
  })

  test('cannot take the place of a vendor: the key goes to the vendor or nowhere', async () => {
    const { victim, requestsSince } = clone
    const argv = ['providers', 'test', 'openai']
    const result = await runOrch(argv, { cwd: victim, env: { OPENAI_API_KEY: canaryKey } })
    expect(result).toMatchObject({ exitCode: 7, stdout: '' })
    expect(result.stderr).toContain('https://api.openai.com')
    expect(result.stderr).not.toContain(canaryKey)
    expect(requestsSince()).toEqual([])
  })

  test('runs once its user says that it is trusted', async () => {
    const { victim, mark } = clone
    await runOrch(['db', 'trust', '--yes'], { cwd: victim })
    await runOrch(['project', 'approve', 'trap', '--yes'], { cwd: victim })
    await runOrch(['jobs', 'run', '--until-idle', '--max-wait', '0s'], { cwd: victim })
    expect(existsSync(mark)).toBe(true)
  })
})

test.each([
  ['allows commands', 'commands.allow: [["sh"]]', 'ORCH_CONFIG_UNTRUSTED'],
  ['is not YAML', 'a: [', 'ORCH_CONFIG_INVALID'],
])('a configuration file that %s stops every command with one clear line', async (_case, text, code) => {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, '.orch'))
  writeFileSync(join(cwd, '.orch', 'config.yaml'), text)
  const result = await runOrch(['jobs', 'list'], { cwd })
  expect(result).toMatchObject({ exitCode: 3, stdout: '' })
  expect(result.stderr).toContain(code)
  expect(result.stderr).not.toContain('    at ')
})
