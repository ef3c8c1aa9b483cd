// Bundles src into dist: ESM, split, with source maps. `npm run build` type-checks first.
import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const { metafile } = await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  absWorkingDir: root,
  metafile: true,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  splitting: true,
  sourcemap: true,
  sourcesContent: false,
  minifySyntax: true,
  // Native add-ons cannot be bundled; pg-native is an optional peer that pg probes for.
  external: ['better-sqlite3', 'pg-native', '@napi-rs/keyring'],
  // CommonJS packages inside an ESM bundle call require().
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  logLevel: 'warning',
})

// Old chunks go last: a process that started before this build can still load them until here.
const written = new Set(Object.keys(metafile.outputs).map((file) => basename(file)))
for (const file of await readdir(join(root, 'dist'))) {
  if (!written.has(file)) await rm(join(root, 'dist', file), { recursive: true })
}
