import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lint, lintTree } from './support/lint-tree.ts'

const root = new URL('..', import.meta.url).pathname
const fixtures = join(root, 'test/fixtures/architecture')

function filesUnder(directory: string, ending = '.ts'): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .toSorted()
}

const sources = filesUnder(join(root, 'src')).map((file) => `src/${file}`)

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The code of a file: comments and the insides of texts are blanked, so that only names are left. */
function codeOf(text: string): string {
  const commentsAndTexts = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g
  return text.replaceAll(commentsAndTexts, (match) => match.replaceAll(/[^\n'"`]/g, ' '))
}

/** Lines of source files that match, as `file:line text`. */
function linesMatching(pattern: RegExp, options: { readonly code: boolean; readonly except: readonly string[] }) {
  return sources
    .filter((file) => !options.except.some((allowed) => file.startsWith(allowed)))
    .flatMap((file) => {
      const text = read(file)
      return (options.code ? codeOf(text) : text)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : []))
    })
}

describe('the linter', () => {
  it('finds nothing in the project', async () => {
    expect(await lint(root, ['src', 'migrations', 'test', 'scripts', 'bin'])).toEqual([])
  }, 120_000)

  it('fires on every bad line of the fixtures and on no other line', async () => {
    const found = (await lintTree(fixtures))
      // Fixtures import things only to be refused; whether they use them says nothing.
      .filter(({ file, rule }) => rule !== 'eslint(no-unused-vars)' || file.endsWith('habits.ts'))
      .map((finding) => `${finding.file}:${finding.line} ${finding.rule}`)
    const expected = filesUnder(fixtures).flatMap((file) =>
      readFileSync(join(fixtures, file), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          (/\/\/ expect: (.*)$/.exec(line)?.[1] ?? '')
            .split(' ')
            .filter((rule) => rule !== '')
            .map((rule) => `${file}:${index + 1} ${rule}`),
        ),
    )
    expect(found.toSorted()).toEqual(expected.toSorted())
  }, 120_000)

  it('has a fixture for every rule that the configuration names', () => {
    const rules = [...read('.oxlintrc.json').matchAll(/^ {4}"(?:[a-z]+\/)?([a-z-]+)": (?:"error"|\["error")/gm)]
    const shown = filesUnder(fixtures)
      .map((file) => readFileSync(join(fixtures, file), 'utf8'))
      .join('\n')
    const unproven = rules.map((match) => match[1] ?? '').filter((rule) => !shown.includes(`(${rule})`))
    expect(unproven).toEqual([])
  })
})

describe('names', () => {
  it('say what a file does: no utils, common, helpers or manager', () => {
    const vague = /(^|-)(utils?|common|helpers?|managers?|misc|stuff)(-|\.|$)/
    const named = [...sources, ...filesUnder(join(root, 'test/support'))].filter((file) =>
      file.split('/').some((part) => vague.test(part)),
    )
    // The one historic name.
    expect(named.filter((file) => basename(file) !== 'provider-manager.ts')).toEqual([])
  })

  it('are reached directly: no file re-exports others', () => {
    expect(sources.filter((file) => basename(file) === 'index.ts')).toEqual([])
    expect(linesMatching(/^export (\*|\{[^}]*\}) from/, { code: false, except: [] })).toEqual([])
  })
})

describe('engines', () => {
  const places = [
    'src/database/dialect/',
    'src/database/connection.ts',
    'src/database/migration/',
    // A copy is made and brought back in the engine's own way.
    'src/database/backup/',
    // An address names its engine before anything is opened.
    'src/config/database-address.ts',
  ]

  it('are named only where they are known', () => {
    expect(linesMatching(/sqlite|postgres|\bpg\b/i, { code: true, except: places })).toEqual([])
  })

  it('are asked for capabilities, never for their label', () => {
    expect(linesMatching(/label\s*(===|!==)|(===|!==)\s*'(SQLite|Postgres)'/, { code: false, except: [] })).toEqual([])
  })

  it('get every statement from database/', () => {
    const statement = /\.(selectFrom|insertInto|updateTable|deleteFrom|replaceInto|mergeInto)\(|\bsql(<[^>]*>)?`/
    expect(linesMatching(statement, { code: true, except: ['src/database/'] })).toEqual([])
  })
})

describe('time', () => {
  it('is read in runtime/ only', () => {
    // The dialect's driver waits for a lock below everything that could hand it a clock.
    const except = ['src/runtime/', 'src/database/dialect/sqlite-driver.ts']
    expect(linesMatching(/new Date\(\)/, { code: true, except })).toEqual([])
    expect(linesMatching(/from 'node:timers/, { code: false, except })).toEqual([])
  })
})

describe('lazy imports', () => {
  it('of CommonJS packages go through a file of ours: a bundler may give them a default export only', () => {
    const packages = sources.flatMap((file) =>
      [...read(file).matchAll(/\{[^}]*\} = await import\('((?:@[^/']+\/)?[^./'][^/']*)/g)].map(
        (match) => match[1] ?? '',
      ),
    )
    const external = new Set(['@napi-rs/keyring'])
    const isModule = (name: string) => {
      const manifest = JSON.parse(read(`node_modules/${name}/package.json`)) as { type?: string; module?: string }
      return manifest.type === 'module' || manifest.module !== undefined
    }
    expect([...new Set(packages)].filter((name) => !external.has(name) && !isModule(name))).toEqual([])
  })
})

describe('tests', () => {
  const own = ['acceptance', 'bench', 'conformance', 'fixtures', 'promises', 'simulation', 'support', 'torture']

  it('mirror the sources: test/a/b.test.ts is about src/a/b.ts, or a behaviour of src/a/', () => {
    const lost = filesUnder(join(root, 'test'), '.test.ts')
      .filter((file) => file.includes('/') && !own.includes(file.split('/')[0] ?? ''))
      .map((file) => dirname(file))
      .filter((directory) => !existsSync(join(root, 'src', directory)))
    expect(lost).toEqual([])
  })
})

describe('the repository', () => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n').filter(existsInTree)

  function existsInTree(file: string): boolean {
    return file !== '' && existsSync(join(root, file))
  }

  it('shows the design at the top: nothing but what ARCHITECTURE lists', () => {
    const files = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package-lock.json', 'package.json', 'tsconfig.json']
    const design = new Set([...files, 'bin', 'migrations', 'scripts', 'src', 'test'])
    const top = new Set(tracked.map((file) => file.split('/')[0] ?? ''))
    expect([...top].filter((name) => !name.startsWith('.') && !design.has(name))).toEqual([])
  })

  it('names no path of the machine it was written on', () => {
    const machinePath = /(?<![\w.])\/(work|root|Users)\/\w/
    const named = tracked
      .filter((file) => /\.(ts|js|json|md|ya?ml)$|run$/.test(file) && file !== 'package-lock.json')
      .filter((file) => machinePath.test(read(file)))
    expect(named).toEqual([])
  })
})
