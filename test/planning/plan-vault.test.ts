import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { PlanVault } from '../../src/planning/plan-vault.ts'
import { temporaryDirectory } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'

function aVault() {
  const root = temporaryDirectory()
  const directory = join(root, '.orch', 'plans')
  const fallbackDirectory = join(root, 'fallback')
  return {
    directory,
    fallbackDirectory,
    vault: new PlanVault({ directory, fallbackDirectory, clock: new FakeClock() }),
  }
}

it('never writes over a file', async () => {
  const { vault } = aVault()
  const first = await vault.keepPlan('api', 'one')
  const second = await vault.keepPlan('api', 'two')
  expect([first, second].map((path) => basename(path))).toEqual(['api.yaml', 'api-2.yaml'])
  expect(readFileSync(first, 'utf8')).toBe('one')
})

it('names a reply by slug and time', async () => {
  const { vault } = aVault()
  expect(basename(await vault.keepReply('api', 'x'))).toMatch(/^api-reply-2026-11-02T\d\d-\d\d-\d\d-000Z\.txt$/)
})

it('moves to the fallback where its directory cannot be written', async () => {
  const { vault, directory, fallbackDirectory } = aVault()
  writeFileSync(dirname(directory), 'a file where a directory should be')
  expect(dirname(await vault.keepReply('api', 'x'))).toBe(fallbackDirectory)
})

it('says so when nothing can be written anywhere', async () => {
  const { vault, directory, fallbackDirectory } = aVault()
  writeFileSync(dirname(directory), '')
  writeFileSync(fallbackDirectory, '')
  await expect(vault.keepReply('api', 'x')).rejects.toMatchObject({ code: 'ORCH_FILE_UNREADABLE' })
})
