// Bundles src into dist: ESM, split, with source maps. `npm run build` type-checks first.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

// What every command that reads the database needs. One file of these loads in half the time of forty small
// ones (npm run bench:startup); what they import comes along, so nothing here may import a vendor's SDK or zod.
const everyCommandNeeds = new Set(
  [
    'src/main.ts',
    'src/cli/command.ts',
    'src/cli/render/table.ts',
    'src/cli/render/age.ts',
    'src/cli/commands/jobs/list.ts',
    'src/scheduling/list-jobs.ts',
    'src/scheduling/workspace-reach.ts',
    'src/database/connection.ts',
    'src/database/dialect/sqlite.ts',
    'src/database/capabilities.ts',
    'src/database/repositories/setting-repository.ts',
    'migrations/index.ts',
  ].map((file) => join(root, file)),
)

const bundle = await rolldown({
  input: { main: join(root, 'src/main.ts') },
  cwd: root,
  platform: 'node',
  transform: { target: 'node20.19' },
  // Native add-ons cannot be bundled; pg-native is an optional peer that pg probes for.
  external: ['better-sqlite3', 'pg-native', '@napi-rs/keyring'],
  // A feature may be lazy for one command and needed at once by another.
  checks: { ineffectiveDynamicImport: false },
})
const { output } = await bundle.write({
  dir: join(root, 'dist'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  sourcemap: true,
  codeSplitting: {
    groups: [
      { name: 'kysely', test: /node_modules[\\/]kysely[\\/]/, priority: 2 },
      { name: 'core', test: (id) => everyCommandNeeds.has(id), priority: 1 },
    ],
  },
})
await bundle.close()

// Old chunks go last: a process that started before this build can still load them until here.
const written = new Set(output.map((file) => file.fileName))
for (const file of await readdir(join(root, 'dist'))) {
  if (!written.has(file)) await rm(join(root, 'dist', file), { recursive: true })
}
