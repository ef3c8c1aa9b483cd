import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/databases.ts'
import { documentOf, runOrch } from '../support/run-orch.ts'

interface Initialized {
  readonly database: { readonly created: boolean; readonly trusted: boolean }
  readonly migrations: readonly string[]
  readonly roles: readonly string[]
  readonly providers: readonly { readonly id: string }[]
}

describe('orch init', () => {
  it('makes everything a project needs, and the database is trusted because it was made here', async () => {
    const cwd = temporaryDirectory()
    const result = await runOrch(['init', '--json'], { cwd })
    const { data, warnings } = documentOf<Initialized>(result)
    expect(result.exitCode).toBe(0)
    expect(warnings).toEqual([])
    expect(data.database).toMatchObject({ created: true, trusted: true })
    expect(data.migrations.length).toBeGreaterThan(10)
    expect(data.roles).toContain('engineer')
    expect(existsSync(join(cwd, '.orch/config.yaml'))).toBe(true)
    expect(readFileSync(join(cwd, '.gitignore'), 'utf8')).toBe('.orch/\n')
  })

  it('changes nothing the second time', async () => {
    const cwd = temporaryDirectory()
    await runOrch(['init'], { cwd })
    const { data } = documentOf<Initialized>(await runOrch(['init', '--json'], { cwd }))
    expect(data).toMatchObject({ database: { created: false, trusted: true }, migrations: [], roles: [] })
  })

  it('finds providers by the keys of the environment, and prints no key', async () => {
    const result = await runOrch(['init', '--json'], {
      cwd: temporaryDirectory(),
      env: { OPENAI_API_KEY: 'sk-canary-1' },
    })
    expect(documentOf<Initialized>(result).data.providers).toEqual([expect.objectContaining({ id: 'openai' })])
    expect(result.stdout + result.stderr).not.toContain('sk-canary-1')
  })

  it('neither trusts nor fills a database that came with the directory', async () => {
    const cwd = temporaryDirectory()
    await runOrch(['init'], { cwd })
    const stranger = { ORCH_CONFIG_DIR: join(cwd, '.home/stranger') }
    const result = await runOrch(['init', '--json'], { cwd, env: stranger })
    const { data, warnings } = documentOf<Initialized>(result)
    expect(data).toMatchObject({ database: { created: false, trusted: false }, roles: [] })
    expect(warnings).toEqual([expect.objectContaining({ hint: expect.stringContaining('orch db trust') })])
  })
})

describe('orch doctor', () => {
  interface Diagnosis {
    readonly findings: readonly { readonly section: string; readonly state: string; readonly text: string }[]
    readonly settings: readonly { readonly key: string; readonly source: string }[]
    readonly next: string | null
  }

  it('says how to begin where nothing is, and creates nothing', async () => {
    const cwd = temporaryDirectory()
    const result = await runOrch(['doctor', '--json'], { cwd })
    expect(result.exitCode).toBe(0)
    expect(documentOf<Diagnosis>(result).data.next).toBe('orch init')
    expect(existsSync(join(cwd, '.orch'))).toBe(false)
  })

  it('says where every setting comes from', async () => {
    const cwd = temporaryDirectory()
    const result = await runOrch(['doctor', '--json'], { cwd, env: { ORCH_LIMITS_TURNS: '3' } })
    expect(documentOf<Diagnosis>(result).data.settings).toContainEqual({
      key: 'limits.turns',
      value: 3,
      source: 'environment',
    })
  })

  it('goes on past a broken part and ends with its exit code', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, '.orch'))
    writeFileSync(join(cwd, '.orch/orch.db'), 'no pages here '.repeat(300))
    const result = await runOrch(['doctor', '--json'], { cwd })
    const { findings } = documentOf<Diagnosis>(result).data
    expect(result.exitCode).toBe(6)
    expect(findings).toContainEqual(expect.objectContaining({ section: 'database', state: 'broken' }))
    expect(findings).toContainEqual(expect.objectContaining({ section: 'environment', state: 'ok' }))
  })

  it('names what each missing table switches off, and the command that brings it back', async () => {
    const cwd = temporaryDirectory()
    await runOrch(['db', 'migrate', '--to', '0001-provider-config'], { cwd })
    const result = await runOrch(['doctor', '--json'], { cwd })
    expect(documentOf<Diagnosis>(result).data.findings).toContainEqual({
      section: 'database',
      state: 'off',
      text: expect.stringContaining('no table jobs: no job is stored or run'),
      next: 'orch db migrate',
      code: null,
    })
  })
})
