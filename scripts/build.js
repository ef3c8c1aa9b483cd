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

const written = new Set([
  ...(await bundleInto('[name]-[hash].js', { main: join(root, 'src/main.ts') })),
  // A thread of its own, kept small: it shares nothing with the program but the database.
  ...(await bundleInto('heartbeat-[name]-[hash].js', { heartbeat: join(root, 'src/heartbeat.ts') })),
])

// Old chunks go last: a process that started before this build can still load them until here.
for (const file of await readdir(join(root, 'dist'))) {
  if (!written.has(file)) await rm(join(root, 'dist', file), { recursive: true })
}

/** Writes entries and their chunks to dist; returns the names of the files. */
async function bundleInto(chunkFileNames, input) {
  const bundle = await rolldown({
    input,
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
    chunkFileNames,
    sourcemap: true,
    codeSplitting: {
      groups: [
        { name: 'kysely', test: /node_modules[\\/]kysely[\\/]/, priority: 2 },
        { name: 'core', test: (id) => everyCommandNeeds.has(id), priority: 1 },
      ],
    },
  })
  await bundle.close()
  return output.map((file) => file.fileName)
}
