import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lint, lintTree } from './support/lint-tree.ts'

const root = new URL('..', import.meta.url).pathname
const fixtures = join(root, 'test/fixtures/architecture')

function filesUnder(directory: string, ending = '.ts'): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .toSorted()
}

describe('the linter', () => {
  it('finds nothing in the project', async () => {
    expect(await lint(root, ['src', 'migrations', 'test', 'scripts', 'bin'])).toEqual([])
  })

  it('fires on every bad line of the fixtures and on no other line', async () => {
    const found = (await lintTree(fixtures))
      // Fixtures import things only to be refused; whether they use them says nothing.
      .filter((finding) => finding.rule !== 'eslint(no-unused-vars)')
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
  })
})
