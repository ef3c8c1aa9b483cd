// Bundles src into dist: ESM, split, with source maps. `npm run build` type-checks first.
import { rm } from 'node:fs/promises'
import { build } from 'esbuild'

await rm(new URL('../dist', import.meta.url), { recursive: true, force: true })
await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  absWorkingDir: new URL('..', import.meta.url).pathname,
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
