/**
 * Promise 11: tools touch the workspace only; commands run only from the allow list, without a shell, with an empty
 * environment plus an allow list; no key reaches a child. The end of process trees is in test/workspace/run-command.
 */
import { createHash } from 'node:crypto'
import { linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grantableTools } from '../../src/domain/tool-name.ts'
import type { CommandPermission } from '../../src/execution/tools/command-permission.ts'
import { toolsFor } from '../../src/execution/tools/tools-for.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { runCommand } from '../../src/workspace/run-command.ts'
import { temporaryWorkspace } from '../support/temporary-workspace.ts'
import { toolContext } from '../support/tool-context.ts'
import { inShortForm } from '../torture/in-short-form.ts'
import { symlinkRace } from '../torture/symlink-race.ts'

const tools = toolsFor(grantableTools)
const canary = 'canary-7f3a'

describe('file tools', () => {
  it('touch nothing outside and nothing protected for 10,000 fuzzed paths', async () => {
    const { workspace, root, outside } = await temporaryWorkspace({
      'src/a.txt': 'a',
      'src/deep/b.txt': 'b',
      '.git/config': canary,
      '.env': canary,
      '.github/workflows/ci.yml': 'on: push',
    })
    plantTraps(root, outside)
    const guarded = ['.git', '.orch', '.github', '.env'].map((name) => join(root, name))
    const before = fingerprints([outside, ...guarded])
    const siblings = readdirSync(join(root, '..'))
    const { context } = toolContext(workspace)
    const leaks: string[] = []
    let written = 0
    const work = fuzzedPaths(root, outside)
    expect(work).toHaveLength(10_000)
    await inLanes(8, work, async (path, index) => {
      const [name, input] = fileToolInput(path, index)
      const result = await tools.get(name)?.run(input, context)
      if (result?.output.includes(canary)) leaks.push(`${name} ${JSON.stringify(path)}`)
      if (result?.path !== undefined) written += 1
    })
    expect(leaks).toEqual([])
    expect(fingerprints([outside, ...guarded])).toEqual(before)
    expect(readdirSync(join(root, '..'))).toEqual(siblings)
    // The suite would prove nothing if everything were refused.
    expect(written).toBeGreaterThan(100)
  }, 60_000)
})

inShortForm(symlinkRace)

const permission: CommandPermission = {
  commands: [
    ['npm', 'test'],
    ['node', '--test', 'test/'],
  ],
  binaries: [
    { binary: 'git', arguments: ['log', '...'] },
    { binary: 'find', arguments: ['src', '...'] },
    { binary: 'tar', arguments: ['tf', '*.tar'] },
    { binary: 'cc', arguments: ['*.c'] },
  ],
  denied: [['node', '--test']],
}

/** What would run something else if any of it were parsed, split, unquoted, resolved or matched loosely. */
const bypasses: readonly unknown[] = [
  // A shell, or what a shell would make of it.
  ['sh', '-c', 'npm test'],
  ['bash', '-lc', 'npm test'],
  ['/bin/sh', '-c', 'touch owned'],
  ['npm test'],
  ['npm', 'test', ';', 'touch', 'owned'],
  ['npm', 'test;touch owned'],
  ['npm', 'test', '&&', 'touch', 'owned'],
  ['npm', 'test', '|', 'sh'],
  ['npm', 'test', '$(touch owned)'],
  ['npm', 'test', '`touch owned`'],
  ['npm', 'test\ntouch owned'],
  ['npm', 'test', '>', 'owned'],
  ['npm', 'test\0'],
  // More, fewer or other arguments than allowed.
  ['npm'],
  ['npm', 'test', '--', '--reporter=./evil.js'],
  ['npm', '--script-shell=./evil', 'test'],
  ['npm', '--prefix', '/tmp', 'test'],
  ['npm', 'exec', 'evil'],
  ['npm', 'run', 'test'],
  ['npm', 'TEST'],
  ['npm', ' test'],
  ['npm', 'test', ''],
  ['npx', 'npm', 'test'],
  // Another spelling of the program.
  ['NPM', 'test'],
  ['./npm', 'test'],
  ['/tmp/npm', 'test'],
  ['../npm', 'test'],
  ['npm ', 'test'],
  ['ｎｐｍ', 'test'],
  ['npm\u200b', 'test'],
  ['npm.cmd', 'test'],
  ['', 'npm', 'test'],
  // A wrapper that runs it, and more.
  ['env', 'npm', 'test'],
  ['env', '-S', 'npm test'],
  ['xargs', 'npm', 'test'],
  ['nohup', 'npm', 'test'],
  ['timeout', '9', 'npm', 'test'],
  ['sudo', 'npm', 'test'],
  ['busybox', 'sh', '-c', 'npm test'],
  ['script', '-c', 'npm test'],
  ['PATH=/tmp', 'npm', 'test'],
  ['node', '-e', 'require("child_process")'],
  // What the role may not run although the plan allows it.
  ['node', '--test', 'test/'],
  // Options let in by a pattern.
  ['git', '-c', 'core.pager=touch owned', 'log'],
  ['git', 'log', '--output=owned'],
  ['git', 'log', '-Oowned'],
  ['git', 'log', 'HEAD', '--ext-diff'],
  ['git', '--exec-path=/tmp', 'log'],
  ['find', 'src', '-exec', 'touch', 'owned', ';'],
  ['find', 'src', '-fprintf', 'owned', 'x'],
  ['tar', 'tf', '--to-command=sh', 'a.tar'],
  ['tar', 'tf', '--checkpoint-action=exec=sh.tar'],
  ['cc', '@evil.c'],
  ['cc', '-fplugin=evil.c'],
  // No list of text at all.
  'npm test',
  { 0: 'npm', 1: 'test' },
  [['npm', 'test']],
  ['npm', 7],
  [],
]

describe('commands', () => {
  it(`refuse ${bypasses.length} ways around the allow list`, async () => {
    const { workspace, root } = await temporaryWorkspace({ npm: '#!/bin/sh\ntouch owned\n' })
    const { context, ran } = toolContext(workspace, { commands: permission })
    const inputs = [
      ...bypasses.map((argv) => ({ argv })),
      // Another way to say what to run or how.
      { command: 'npm test' },
      { argv: ['npm', 'test'], shell: true },
      { argv: ['npm', 'test'], env: { NODE_OPTIONS: '--require ./evil.js' } },
      { argv: ['npm', 'test'], cwd: '/tmp' },
    ]
    const passed: unknown[] = []
    for (const input of inputs) {
      const result = await tools.get('run')?.run(input, context)
      if (result?.failed !== true || !result.output.startsWith('error: ')) passed.push(input)
    }
    expect(inputs.length).toBeGreaterThanOrEqual(50)
    expect([passed, ran]).toEqual([[], []])
    expect(readdirSync(root)).not.toContain('owned')
  })

  it('run when they are allowed', async () => {
    const { workspace } = await temporaryWorkspace()
    const { context, ran } = toolContext(workspace, { commands: permission })
    const allowed = [
      ['npm', 'test'],
      ['git', 'log', 'HEAD'],
      ['cc', 'main.c'],
    ]
    for (const argv of allowed) await tools.get('run')?.run({ argv }, context)
    expect(ran).toEqual(allowed)
  })

  it('see no key of this process', async () => {
    const { root } = await temporaryWorkspace()
    const names = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GITHUB_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'ORCH_DATABASE_URL']
    const others = [
      'NODE_OPTIONS',
      'LD_PRELOAD',
      'SSH_AUTH_SOCK',
      'npm_config__authToken',
      'PATH_TO_KEY',
      'LANGUAGE_KEY',
    ]
    const planted = Object.fromEntries([...names, ...others].map((name) => [name, canary]))
    const result = await runCommand(['env'], {
      cwd: root,
      env: { ...process.env, ...planted },
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      attemptToken: 'confinement',
      clock: systemClock,
    })
    expect(result.exitCode).toBe(0)
    expect(result.output).toContain('PATH=')
    expect(result.output).not.toContain(canary)
  })
})

/**
 * Ways out that lie in the workspace already, as a hostile repository would bring them. All lead into the temporary
 * place, and so do the fuzzed absolute paths: a broken confinement must not harm the machine that finds it.
 */
function plantTraps(root: string, outside: string): void {
  writeFileSync(join(outside, 'secret.txt'), canary)
  mkdirSync(join(outside, 'sub'))
  symlinkSync(outside, join(root, 'out'))
  symlinkSync(join(outside, 'secret.txt'), join(root, 'out.txt'))
  symlinkSync('../../outside', join(root, 'src/up'))
  symlinkSync('..', join(root, 'src/deep/loop'))
  symlinkSync(join(outside, 'sub'), join(root, 'slash'))
  symlinkSync(join(root, '.git'), join(root, 'repository'))
  symlinkSync(join(outside, 'new.txt'), join(root, 'dangling'))
  // Reading a hard link is allowed (package managers make them), writing through one would change the other name.
  writeFileSync(join(outside, 'sub/shared.txt'), 'shared')
  linkSync(join(outside, 'sub/shared.txt'), join(root, 'hard.txt'))
}

function fuzzedPaths(root: string, outside: string): readonly string[] {
  const plain = ['src', 'deep', 'a.txt', 'b.txt', 'new', 'x.ts', '', '.', '..', '...', ' ', '~', 'sub']
  const traps = [
    'out',
    'out.txt',
    'hard.txt',
    'hard.txt',
    'up',
    'loop',
    'slash',
    'repository',
    'dangling',
    'secret.txt',
    'proc',
    'self',
    'fd',
    '3',
  ]
  const guarded = [
    '.git',
    '.GIT',
    '.git ',
    '.git.',
    '.g\u200dit',
    '.ｇit',
    'git~1',
    '.orch',
    '.env',
    '.Env.local',
    '.github',
  ]
  const tricks = [
    '..\\..',
    '%2e%2e',
    '．．',
    '\u2024\u2024',
    '..\u0000',
    'a\nb',
    'C:',
    'a:b',
    '..;',
    'x'.repeat(300),
    '\ud800',
  ]
  const name = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...plain) },
    { weight: 3, arbitrary: fc.constantFrom(...traps) },
    { weight: 2, arbitrary: fc.constantFrom(...guarded) },
    { weight: 2, arbitrary: fc.constantFrom(...tricks) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  )
  const absolute = [
    `${root}/`,
    `${root}/../`,
    outside,
    root,
    `${outside}/`,
    `/${outside}/`,
    `/proc/self/root${outside}/`,
  ]
  const start = fc.constantFrom('', '', '', './', '../', '../outside/', 'src/../../outside/', ...absolute)
  const path = fc
    .tuple(start, fc.array(name, { minLength: 1, maxLength: 6 }))
    .map(([first, names]) => first + names.join('/'))
  return fc.sample(path, { numRuns: 10_000, seed: 11 })
}

function fileToolInput(path: string, index: number): [(typeof grantableTools)[number], Record<string, unknown>] {
  switch (index % 5) {
    case 0:
    case 1:
      return ['write', { path, content: 'fuzz' }]
    case 2:
      return ['edit', { path, find: 'a', replace: 'b', all: true }]
    case 3:
      return ['read', { path }]
    default:
      return index % 2 === 0 ? ['list', { path, depth: 1 }] : ['search', { path, text: 'canary' }]
  }
}

async function inLanes<T>(
  lanes: number,
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let index = next++; index < items.length; index = next++) {
        const item = items[index]
        if (item !== undefined) await work(item, index)
      }
    }),
  )
}

/** Every name below the places with its kind, links and content. */
function fingerprints(places: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const place of places) {
    const stat = lstatSync(place)
    if (stat.isDirectory()) {
      found[place] = 'directory'
      Object.assign(found, fingerprints(readdirSync(place).map((name) => join(place, name))))
    } else {
      const content = stat.isFile() ? createHash('sha256').update(readFileSync(place)).digest('hex') : 'special'
      found[place] = `${stat.mode} ${stat.ino} ${stat.mtimeMs} ${content}`
    }
  }
  return found
}
