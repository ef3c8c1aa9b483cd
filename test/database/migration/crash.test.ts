import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { migrate } from '../../../src/database/migration/migrate.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { describeEachDatabase, temporaryDirectory } from '../../support/databases.ts'
import { hermeticEnv } from '../../support/run-orch.ts'

const orch = join(new URL('../../..', import.meta.url).pathname, 'bin/orch.js')

/** Starts `orch db migrate` and kills it with SIGKILL once it has told of `steps` migrations. */
function killAfter(steps: number, env: Readonly<Record<string, string>>): Promise<NodeJS.Signals | null> {
  const cwd = temporaryDirectory()
  const child = spawn(process.execPath, [orch, 'db', 'migrate'], {
    cwd,
    env: hermeticEnv(cwd, env),
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
  })
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text
    if (told.split('\n').length > steps) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (_code, signal) => resolve(signal))
  })
}

describeEachDatabase('a migrator that is killed', (open) => {
  it('needs no repair: the next runs go on, and each migration is applied exactly once', async () => {
    const database = await open({ migrate: false })
    const signals: (NodeJS.Signals | null)[] = []
    for (const steps of [1, 4, 3]) signals.push(await killAfter(steps, database.env))
    expect(signals.slice(0, 2)).toEqual(['SIGKILL', 'SIGKILL'])
    await migrate(database, { migrations, clock: systemClock, toolVersion: 'test' })
    const rows = await database.db.selectFrom('orch_migrations').select('name').orderBy('sequence').execute()
    expect(rows.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name))
    const shape = await database.dialect.shape(database.db)
    for (const { table, columns } of migrations)
      expect([...(shape.get(table) ?? [])]).toEqual(expect.arrayContaining([...columns]))
  })
})
