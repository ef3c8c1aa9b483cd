import { buildSync } from 'esbuild'
import { join } from 'node:path'

/** Bundles a TypeScript module of this repository into `directory`, for child processes: Node 20 runs no TypeScript. */
export function bundledModule(source: URL, directory: string): string {
  const outfile = join(directory, 'bundled.mjs')
  buildSync({
    entryPoints: [source.pathname],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  return outfile
}
