import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findDatabaseAddress } from '../../src/config/database-address.ts'
import { findPaths } from '../../src/config/paths.ts'
import { Settings } from '../../src/config/settings.ts'
import { temporaryDirectory } from '../support/databases.ts'

function addressIn(cwd: string, given: { flag?: string; env?: NodeJS.ProcessEnv; file?: string } = {}) {
  const projectFile = new Map(given.file === undefined ? [] : [['database', given.file] as const])
  const settings = new Settings({ env: given.env ?? {}, database: new Map(), projectFile, userFile: new Map() })
  return findDatabaseAddress({ flag: given.flag, settings, paths: findPaths(cwd, {}), cwd })
}

test('the flag wins over the environment, the environment over the file', () => {
  const cwd = temporaryDirectory()
  const env = { ORCH_DATABASE_URL: 'postgres://db/orch' }
  expect(addressIn(cwd, { flag: 'a.db', env, file: 'b.db' })).toEqual({ url: join(cwd, 'a.db'), source: 'flag' })
  expect(addressIn(cwd, { env, file: 'b.db' })).toEqual({ url: 'postgres://db/orch', source: 'environment' })
  expect(addressIn(cwd, { file: 'b.db' })).toEqual({ url: join(cwd, 'b.db'), source: 'project file' })
})

test('otherwise it is the nearest .orch upwards', () => {
  const project = temporaryDirectory()
  mkdirSync(join(project, '.orch'))
  mkdirSync(join(project, 'deep', 'down'), { recursive: true })
  writeFileSync(join(project, '.orch', 'orch.db'), '')
  expect(addressIn(join(project, 'deep', 'down'))).toEqual({
    url: join(project, '.orch', 'orch.db'),
    source: 'nearest .orch',
  })
})

test('DATABASE_URL belongs to the user and is never picked up', () => {
  const cwd = temporaryDirectory()
  expect(addressIn(cwd, { env: { DATABASE_URL: 'postgres://theirs/db' } }).source).toBe('default')
})
