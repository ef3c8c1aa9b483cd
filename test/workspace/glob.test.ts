import { describe, expect, it } from 'vitest'
import { globFault, literalPrefix, matchesAnyGlob, matchesGlob } from '../../src/workspace/glob.ts'

describe('matchesGlob', () => {
  it.each([
    ['src/**', 'src/a.ts', true],
    ['src/**', 'src/a/b/c.ts', true],
    ['src/**', 'src', false],
    ['src/**', 'source/a.ts', false],
    ['src/', 'src/a/b.ts', true],
    ['**', 'anything/at/all', true],
    ['**/*.ts', 'a.ts', true],
    ['**/*.ts', 'x/y/a.ts', true],
    ['**/*.ts', 'x/y/a.js', false],
    ['src/**/test/*.ts', 'src/test/a.ts', true],
    ['src/**/test/*.ts', 'src/x/test/y/test/a.ts', true],
    ['src/**/test/*.ts', 'src/x/test/y/a.ts', false],
    ['*.md', 'README.md', true],
    ['*.md', 'docs/README.md', false],
    ['*', '.hidden', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['{package,tsconfig}.json', 'tsconfig.json', true],
    ['src/{a,b/{c,d}}/*.ts', 'src/b/d/x.ts', true],
    ['src/{a,b}/*.ts', 'src/c/x.ts', false],
    ['app/[id].ts', 'app/[id].ts', true],
    ['app/[id].ts', 'app/i.ts', false],
    ['./src/a.ts', 'src/a.ts', true],
    ['README.md', 'readme.md', false],
    ['../x', '../x', false],
    ['/etc/**', '/etc/passwd', false],
  ])('%s on %s is %s', (glob, path, expected) => {
    expect(matchesGlob(glob, path)).toBe(expected)
  })

  it('stays fast on patterns made to explode', () => {
    const names = Array.from({ length: 200 }, () => 'a').join('/')
    expect(matchesGlob(`${'**/a/'.repeat(100)}b`, names)).toBe(false)
    expect(matchesGlob(`${'*a'.repeat(300)}b`, 'a'.repeat(5000))).toBe(false)
    expect(matchesGlob('{a,b}'.repeat(40), 'x')).toBe(false)
  })
})

describe('matchesAnyGlob', () => {
  it('needs one glob that fits', () => {
    expect(matchesAnyGlob(['a', 'b/*'], 'b/c')).toBe(true)
    expect(matchesAnyGlob([], 'b/c')).toBe(false)
  })
})

describe('globFault', () => {
  it.each([
    ['', 'is empty'],
    ['/etc', 'is absolute; paths are relative to the workspace'],
    ['C:/x', 'is absolute; paths are relative to the workspace'],
    ['a\\b', 'has a backslash; paths use /'],
    ['a/../../b', 'leaves the workspace with ..'],
    ['a/{..,b}/c', 'leaves the workspace with ..'],
    ['{a,b}'.repeat(9), 'has more than 256 alternatives'],
    ['src/**', null],
  ])('%s: %s', (glob, fault) => {
    expect(globFault(glob)).toBe(fault)
  })
})

describe('literalPrefix', () => {
  it.each([
    ['src/**', 'src'],
    ['src/api/*.ts', 'src/api'],
    ['src/a{b,c}/x', 'src'],
    ['package.json', 'package.json'],
    ['./docs//guide.md', 'docs/guide.md'],
    ['docs/', 'docs'],
    ['**/*.ts', ''],
    ['*', ''],
  ])('%s is %s', (glob, prefix) => {
    expect(literalPrefix(glob)).toBe(prefix)
  })
})
