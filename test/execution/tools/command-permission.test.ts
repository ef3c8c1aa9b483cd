import { describe, expect, it } from 'vitest'
import {
  commandFault,
  describeCommands,
  type CommandPermission,
} from '../../../src/execution/tools/command-permission.ts'

const permission: CommandPermission = {
  commands: [
    ['npm', 'test'],
    ['git', 'push', 'origin'],
  ],
  binaries: [
    { binary: 'git', arguments: ['log', '...'] },
    { binary: 'node', arguments: ['--test', 'test/*.js'] },
    { binary: 'git', arguments: ['show', 'v*.*-rc'] },
  ],
  denied: [['git', 'push']],
}

describe('commandFault', () => {
  it.each([
    [['npm', 'test'], true],
    [['npm', 'test', ''], false],
    [['npm'], false],
    [['NPM', 'test'], false],
    [['./npm', 'test'], false],
    [['git', 'log'], true],
    [['git', 'log', 'HEAD', 'src'], true],
    [['git', 'log', '--output=/tmp/x'], false],
    [['git', '-c', 'core.pager=x', 'log'], false],
    [['node', '--test', 'test/a.js'], true],
    [['node', '--test', 'test/a.ts'], false],
    [['node', '--test'], false],
    [['node', '--test', 'test/a.js', 'x.js'], false],
    [['node', '-test', 'test/a.js'], false],
    [['git', 'show', 'v1.2-rc'], true],
    [['git', 'show', 'v.-rc'], true],
    [['git', 'show', 'v-rc'], false],
    [[], false],
    [[''], false],
    [['npm', 'test\0'], false],
  ])('%j may run: %s', (argv, allowed) => {
    expect(commandFault(argv, permission) === null).toBe(allowed)
  })

  it('lets a role take away what the plan allows, also by another path of the program', () => {
    expect(commandFault(['git', 'push', 'origin'], permission)).toBe('this role may not run it')
    const absolute: CommandPermission = { ...permission, commands: [['/usr/bin/git', 'push', 'origin']] }
    expect(commandFault(['/usr/bin/git', 'push', 'origin'], absolute)).toBe('this role may not run it')
  })
})

describe('describeCommands', () => {
  it('names what may run, without what the role may not', () => {
    expect(describeCommands(permission)).toContain('["npm","test"]')
    expect(describeCommands(permission)).not.toContain('push')
    expect(describeCommands({ commands: [], binaries: [], denied: [] })).toBe('No command is allowed.')
  })
})
