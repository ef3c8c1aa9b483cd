import { expect, it } from 'vitest'
import { childEnvironment } from '../../src/workspace/child-environment.ts'

it('passes on the allowed names and nothing else', () => {
  const source = {
    PATH: '/usr/bin',
    HOME: '/home/x',
    LC_CTYPE: 'C',
    OPENAI_API_KEY: 'k',
    LD_PRELOAD: 'x',
    PS1: undefined,
  }
  expect(childEnvironment(source, { cwd: '/project' })).toEqual({ PATH: '/usr/bin', HOME: '/home/x', LC_CTYPE: 'C' })
})

it.runIf(process.platform !== 'win32')('takes relative directories and those of the workspace out of PATH', () => {
  const path = '/usr/bin:.::node_modules/.bin:/project:/project/bin:/projects/bin:/project/../opt/bin'
  expect(childEnvironment({ PATH: path }, { cwd: '/project' })).toEqual({
    PATH: '/usr/bin:/projects/bin:/project/../opt/bin',
  })
})

it('keeps what Windows needs, whatever its case', () => {
  const source = { Path: 'C:\\Windows', SystemRoot: 'C:\\Windows', Secret: 'x' }
  expect(Object.keys(childEnvironment(source, { cwd: '/project', platform: 'win32' }))).toEqual(['Path', 'SystemRoot'])
})
