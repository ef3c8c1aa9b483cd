import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTrustStore } from '../../src/config/trust.ts'
import { temporaryDirectory } from '../support/databases.ts'

function storeAndFile() {
  const directory = temporaryDirectory()
  const file = join(directory, 'orch.db')
  writeFileSync(file, 'first')
  return { directory, file, store: openTrustStore(join(directory, 'config')) }
}

test('a database is a stranger until its user trusts it', () => {
  const { file, store } = storeAndFile()
  expect(store.isTrusted(file)).toBe(false)
  store.trust(file)
  expect(store.isTrusted(file)).toBe(true)
})

test('a file that replaced a trusted one is a stranger again', () => {
  const { directory, file, store } = storeAndFile()
  store.trust(file)
  writeFileSync(join(directory, 'other.db'), 'second')
  renameSync(join(directory, 'other.db'), file)
  expect(store.isTrusted(file)).toBe(false)
})

test('trust does not follow a file that is gone', () => {
  const { file, store } = storeAndFile()
  store.trust(file)
  rmSync(file)
  expect(store.isTrusted(file)).toBe(false)
})

test('a server is known by its address', () => {
  const { store } = storeAndFile()
  store.trust('postgres://me@db/orch')
  expect(store.isTrusted('postgres://me@db/orch')).toBe(true)
  expect(store.isTrusted('postgres://me@evil/orch')).toBe(false)
})

test('only its user can read the list', () => {
  const { directory, file, store } = storeAndFile()
  store.trust(file)
  expect(statSync(join(directory, 'config', 'trusted-databases.json')).mode & 0o077).toBe(0)
})

test('a broken list is an error, not an empty one', () => {
  const { directory, file, store } = storeAndFile()
  store.trust(file)
  writeFileSync(join(directory, 'config', 'trusted-databases.json'), '{')
  expect(() => store.isTrusted(file)).toThrow('cannot be read')
})

test('a file that is away for a moment is no stranger to whoever worked with it, but to everybody else', () => {
  const { directory, file, store } = storeAndFile()
  store.trust(file)
  expect(store.isTrusted(file)).toBe(true)
  renameSync(file, join(directory, 'away.db'))
  expect(store.isTrusted(file)).toBe(true)
  expect(openTrustStore(join(directory, 'config')).isTrusted(file)).toBe(false)
  writeFileSync(file, 'another one')
  expect(store.isTrusted(file)).toBe(false)
})
