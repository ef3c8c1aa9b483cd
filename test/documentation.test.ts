import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parsePlanFile } from '../src/planning/plan-file.ts'
import { partOf, readmeParts } from './support/readme-tables.ts'

const root = new URL('..', import.meta.url).pathname
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

describe('README', () => {
  it.each(['commands', 'global options', 'settings', 'exit codes', 'error codes', 'job states'])(
    'lists the %s of the code (npm run readme brings them up to date)',
    async (name) => {
      expect(partOf(readme, name)).toBe((await readmeParts()).get(name))
    },
  )

  it('shows a plan that is valid', () => {
    const [, example] = /```yaml\n(version: 1[\s\S]*?)```/.exec(readme) ?? []
    expect(parsePlanFile(example ?? '')).toMatchObject({ plan: { version: 1 } })
  })

  it('gives a reason for each runtime dependency, of which there are at most 30', () => {
    const named = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
    const rows = new Map([...readme.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map((row) => [row[1], row[2]?.trim()]))
    expect(named.filter((name) => (rows.get(name) ?? '') === '')).toEqual([])
    expect(named.length).toBeLessThanOrEqual(30)
  })

  it('names only npm scripts that exist', () => {
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map((match) => match[1] ?? '')
    expect(named.filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([])
  })

  it('names only commands and files that exist', async () => {
    const commands = (await readmeParts()).get('commands') ?? ''
    const sessions = [...readme.matchAll(/^\$ (?:npx )?orch ([a-z]+)(?: ([a-z]+))?/gm)]
    const known = (first = '', second = '') =>
      commands.includes(`orch ${first} ${second}`) ||
      commands.includes(`\`orch ${first}\``) ||
      commands.includes(`orch ${first} [`)
    expect(sessions.filter(([, first, second]) => !known(first, second)).map(([text]) => text)).toEqual([])
  })
})
