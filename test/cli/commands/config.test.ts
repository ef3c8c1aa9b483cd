import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachDatabase, temporaryDirectory } from '../../support/databases.ts'
import { documentOf, runOrch } from '../../support/run-orch.ts'

describe('orch config', () => {
  it('shows every setting with the place it comes from', async () => {
    const cwd = temporaryDirectory()
    await runOrch(['config', 'set', 'limits.turns', '7'], { cwd })
    const result = await runOrch(['config', 'list', '--json'], { cwd, env: { ORCH_LIMITS_CONCURRENCY: '9' } })
    expect(documentOf(result).data).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: 'limits.turns', value: 7, source: 'project file' }),
        expect.objectContaining({ key: 'limits.concurrency', value: 9, source: 'environment' }),
        expect.objectContaining({ key: 'selection.policy', value: 'balanced', source: 'default' }),
      ]),
    )
  })

  it('prints a bare value for scripts', async () => {
    const result = await runOrch(['config', 'get', 'limits.concurrency'], { cwd: temporaryDirectory() })
    expect(result.stdout).toBe('4\n')
  })

  it('asks the project before the user, and says so when a change has no effect', async () => {
    const cwd = temporaryDirectory()
    await runOrch(['config', 'set', 'limits.turns', '7'], { cwd })
    const result = await runOrch(['config', 'set', '--user', 'limits.turns', '8'], { cwd })
    expect(result.exitCode).toBe(0)
    expect(result.stderr).toContain('limits.turns is still 7')
  })

  it('takes a setting back', async () => {
    const cwd = temporaryDirectory()
    await runOrch(['config', 'set', 'limits.turns', '7'], { cwd })
    await runOrch(['config', 'unset', 'limits.turns'], { cwd })
    expect((await runOrch(['config', 'get', 'limits.turns'], { cwd })).stdout).toBe('40\n')
  })

  it('refuses a wrong value, naming what is expected and what was found', async () => {
    const result = await runOrch(['config', 'set', 'limits.turns', 'many'], { cwd: temporaryDirectory() })
    expect(result.exitCode).toBe(3)
    expect(result.stderr).toContain('limits.turns must be a whole number of at least 1, found "many"')
  })

  it('suggests the setting that was probably meant', async () => {
    const result = await runOrch(['config', 'get', 'limit.turns'], { cwd: temporaryDirectory() })
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain('Did you mean limits.turns?')
  })

  it('keeps what only the user may grant out of the project', async () => {
    const cwd = temporaryDirectory()
    const refused = await runOrch(['config', 'set', '--project', 'commands.allow', '["rm"]'], { cwd })
    expect(refused.exitCode).toBe(3)
    await runOrch(['config', 'set', 'commands.allow', '["npm","test"]'], { cwd })
    expect(readFileSync(join(cwd, '.home/config/config.yaml'), 'utf8')).toContain('["npm","test"]')
  })

  it('names the missing table when a shared setting has nowhere to go', async () => {
    const result = await runOrch(['config', 'set', '--shared', 'limits.turns', '7'], { cwd: temporaryDirectory() })
    expect(result.exitCode).toBe(10)
    expect(result.stderr).toContain('orchestrator_config')
    expect(result.stderr).toContain('orch db migrate')
  })
})

describeEachDatabase('orch config set --shared', (open) => {
  it('is refused while the database is not trusted', async () => {
    const database = await open()
    const env: Record<string, string> = database.schema === undefined ? {} : { ORCH_DB_SCHEMA: database.schema }
    const result = await runOrch(['config', 'set', '--shared', 'limits.turns', '7', '--db', database.url], {
      cwd: temporaryDirectory(),
      env,
    })
    expect(result.exitCode).toBe(3)
    expect(result.stderr).toContain('orch db trust')
  })
})
