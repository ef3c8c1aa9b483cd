// Runs a TypeScript entry on Node 20, which cannot strip types: bundles it to a file of its own and imports that.
// usage: node scripts/run-ts.js test/bench/startup.ts [arguments...]
import { lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const [entry, ...rest] = process.argv.slice(2)
if (entry === undefined) throw new Error('usage: node scripts/run-ts.js <entry.ts> [arguments...]')
const root = fileURLToPath(new URL('..', import.meta.url))

// Two levels below the root, like the entries themselves, so that packages and neighbouring files are found as they
// are for the source. A linked node_modules leads into another checkout.
const modules = join(root, 'node_modules')
const home = lstatSync(modules).isSymbolicLink() ? join(root, '.run-ts') : modules
mkdirSync(home, { recursive: true })
const outdir = mkdtempSync(join(home, '.run-ts-'))
process.on('exit', () => rmSync(outdir, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

const outfile = join(outdir, 'entry.mjs')
await build({
  entryPoints: [entry],
  outfile,
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
})
// The entry sees the arguments it would see if it were run directly.
process.argv = [process.argv[0], outfile, ...rest]
await import(pathToFileURL(outfile).href)
