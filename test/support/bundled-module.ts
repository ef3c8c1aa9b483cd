import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = new URL('../..', import.meta.url).pathname

/** Bundles a TypeScript module of this repository into `directory`, for child processes: Node 20 runs no TypeScript. */
export function bundledModule(source: URL, directory: string): string {
  const outfile = join(directory, 'bundled.mjs')
  const form = ['--bundle', '--platform=node', '--target=node20.19', '--format=esm', '--packages=external']
  // The program, not the package: that one keeps a process of its own behind it.
  const esbuild = join(root, 'node_modules/.bin/esbuild')
  execFileSync(esbuild, [source.pathname, ...form, `--outfile=${outfile}`, '--log-level=error'], { timeout: 60_000 })
  return outfile
}
