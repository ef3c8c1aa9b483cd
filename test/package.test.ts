import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from './support/databases.ts'
import { hermeticEnv } from './support/run-orch.ts'

const root = new URL('..', import.meta.url).pathname

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/** Packs without scripts: `dist/` is what the global setup built. */
function pack(destination: string): Packed {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
  })
  const [packed] = JSON.parse(output) as readonly [Packed]
  return packed
}

describe('the package', () => {
  it('holds the program, its manifest and its texts, and nothing else', () => {
    const { files } = pack(temporaryDirectory())
    const paths = files.map((file) => file.path)
    const expected =
      /^(bin\/(orch|prove-runner)\.js|dist\/[^/]+\.js(\.map)?|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/
    expect(paths.filter((path) => !expected.test(path))).toEqual([])
    expect(paths).toEqual(expect.arrayContaining(['bin/orch.js', 'dist/main.js', 'package.json', 'LICENSE']))
  })

  it('runs from where it is unpacked, with the installed modules', () => {
    const place = temporaryDirectory()
    const { filename } = pack(place)
    execFileSync('tar', ['-xzf', join(place, filename), '-C', place], { timeout: 60_000 })
    const unpacked = join(place, 'package')
    symlinkSync(join(root, 'node_modules'), join(unpacked, 'node_modules'))
    const orch = (...argv: readonly string[]) =>
      execFileSync(process.execPath, [join(unpacked, 'bin/orch.js'), ...argv], {
        cwd: place,
        env: hermeticEnv(place),
        encoding: 'utf8',
        timeout: 60_000,
      })

    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }
    expect(orch('--version')).toBe(`${manifest.version}\n`)
    expect(orch('--help')).toContain('orch quickstart')
    expect(JSON.parse(orch('db', 'migrate', '--json'))).toMatchObject({ kind: 'db.migrate', version: 1 })
    expect(JSON.parse(orch('jobs', 'list', '--json'))).toEqual({
      kind: 'jobs.list',
      version: 1,
      data: [],
      warnings: [],
    })
  })
})
