import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../../support/databases.ts'
import { runOrch } from '../../../support/run-orch.ts'

/** A database that somebody else made, as it arrives with a cloned repository. */
async function clonedDirectory(): Promise<string> {
  const [theirs, ours] = [temporaryDirectory(), temporaryDirectory()]
  await runOrch(['db', 'migrate'], { cwd: theirs })
  mkdirSync(join(ours, '.orch'))
  copyFileSync(join(theirs, '.orch', 'orch.db'), join(ours, '.orch', 'orch.db'))
  return ours
}

it('orch db trust makes a database that arrived with a clone count on this machine', async () => {
  const cwd = await clonedDirectory()
  expect((await runOrch(['db', 'trust', '--list'], { cwd })).stdout).toContain('No database is trusted')
  const first = await runOrch(['db', 'trust', '--json'], { cwd })
  expect(JSON.parse(first.stdout)).toMatchObject({ kind: 'db.trust', data: { trusted: true, changed: true } })
  const again = await runOrch(['db', 'trust'], { cwd })
  expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('trusted already') })
  expect((await runOrch(['db', 'trust', '--list'], { cwd })).stdout).toContain(join('.orch', 'orch.db'))
})

it('orch db trust refuses when there is no database', async () => {
  const cwd = temporaryDirectory()
  const result = await runOrch(['db', 'trust'], { cwd })
  expect(result).toMatchObject({ exitCode: 4, stdout: '', stderr: expect.stringContaining('ORCH_NOT_FOUND') })
  expect((await runOrch(['db', 'trust', '--list', '--json'], { cwd })).stdout).toContain('"trusted":[]')
})
