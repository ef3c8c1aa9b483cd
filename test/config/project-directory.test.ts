import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findPaths } from '../../src/config/paths.ts'
import { prepareProjectDirectory } from '../../src/config/project-directory.ts'
import { readSettingsFile } from '../../src/config/settings-file.ts'
import { temporaryDirectory } from '../support/databases.ts'

function prepare(cwd: string) {
  return prepareProjectDirectory(findPaths(cwd, {}))
}

describe('prepareProjectDirectory', () => {
  it('makes a configuration file that says nothing yet', async () => {
    const cwd = temporaryDirectory()
    const { config } = prepare(cwd)
    expect(config).toEqual({ path: join(cwd, '.orch/config.yaml'), change: 'created' })
    expect(await readSettingsFile(config.path, 'project')).toEqual(new Map())
  })

  it('changes nothing the second time', () => {
    const cwd = temporaryDirectory()
    prepare(cwd)
    writeFileSync(join(cwd, '.orch/config.yaml'), 'limits: { turns: 3 }\n')
    const { config, ignore } = prepare(cwd)
    expect([config.change, ignore.change]).toEqual(['kept', 'kept'])
    expect(readFileSync(join(cwd, '.orch/config.yaml'), 'utf8')).toBe('limits: { turns: 3 }\n')
  })

  it.each([
    ['node_modules', 'node_modules\n.orch/\n'],
    ['node_modules\n', 'node_modules\n.orch/\n'],
    ['', '.orch/\n'],
  ])('adds .orch/ to a .gitignore of %j', (before, after) => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, '.gitignore'), before)
    expect(prepare(cwd).ignore.change).toBe('extended')
    expect(readFileSync(join(cwd, '.gitignore'), 'utf8')).toBe(after)
  })

  it.each(['.orch', '/.orch/', '.orch/\r\nnode_modules'])('sees %j as ignored already', (text) => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, '.gitignore'), text)
    expect(prepare(cwd).ignore.change).toBe('kept')
  })

  it('makes no .gitignore but in the project itself', () => {
    const cwd = temporaryDirectory()
    prepare(cwd)
    expect(existsSync(join(cwd, '.orch/.gitignore'))).toBe(false)
  })
})
