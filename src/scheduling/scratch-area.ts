/**
 * A database of orch's own beside the user's: a file in a fresh directory on the same disk, or a schema on the same
 * server. Benches, proofs and rehearsals work there, so that they feel the real disk and touch no real row.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { filePath, isServerUrl, openDatabase, type Database, type OpenOptions } from '../database/connection.ts'
import { migrate } from '../database/migration/migrate.ts'
import type { Migration } from '../database/migration/migration.ts'
import { dropScratchSchema, listScratchSchemas } from '../database/queries/scratch-schemas.ts'
import { isPermissionRefused } from '../database/dialect/engine-error.ts'
import { errorMessage, OrchError } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { isLeftover, scratchName, scratchPrefix, type ScratchPurpose } from './scratch-name.ts'

export interface ScratchPlace {
  /** Address of the database beside which the area is made, password included. Need not exist where it is a file. */
  readonly url: string
  readonly purpose: ScratchPurpose
}

export interface ScratchDeps {
  readonly clock: Clock
  readonly random: Random
  readonly migrations: readonly Migration[]
  readonly toolVersion: string
  /** Connections on engines that pool. */
  readonly connections?: number
}

export interface ScratchArea {
  /** Open and migrated. */
  readonly database: Database
  /** Opens the area from another process: with `schema` as ORCH_DB_SCHEMA where it is not null. */
  readonly url: string
  readonly schema: string | null
  /** For people: the directory or the schema. */
  readonly name: string
  /** Closes the area and removes it, unless it is kept. Throws ORCH_DATABASE_FAILED, naming what is left. */
  end(keep?: boolean): Promise<void>
}

/** Makes an area and migrates it. On failure nothing is left. Throws what `openDatabase` and `migrate` throw. */
export async function openScratchArea(place: ScratchPlace, deps: ScratchDeps): Promise<ScratchArea> {
  const name = scratchName(place.purpose, deps.clock.now(), deps.random.next())
  return isServerUrl(place.url) ? openSchema(place.url, name, deps) : openDirectory(place.url, name, deps)
}

async function openDirectory(url: string, name: string, deps: ScratchDeps): Promise<ScratchArea> {
  const directory = join(directoryBeside(url), name)
  const path = join(directory, 'orch.db')
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 3 })
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    throw new OrchError('ORCH_DATABASE_FAILED', `Cannot make a scratch area: ${errorMessage(error)}`, {
      hint: 'It belongs on the disk of the database: make the directory writable, or name another database with --db',
      cause: error,
    })
  })
  const opened = openOptions(deps)
  const database = await migrated(() => openDatabase(path, { ...opened, create: true }), { deps, remove })
  return { database, url: path, schema: null, name: directory, end: ending({ database, name: directory, remove }) }
}

async function openSchema(url: string, schema: string, deps: ScratchDeps): Promise<ScratchArea> {
  const options = { ...openOptions(deps), schema }
  const remove = async () => {
    const database = await openDatabase(url, { ...options, connections: 1 })
    try {
      await dropScratchSchema(database.db, schema)
    } finally {
      await database.close()
    }
  }
  const opening = migrated(() => openDatabase(url, options), { deps, remove })
  const database = await opening.catch((error: unknown) => {
    throw isPermissionRefused(error) ? mayNotCreate(url, error) : error
  })
  return { database, url, schema, name: schema, end: ending({ database, name: schema, remove }) }
}

function mayNotCreate(url: string, cause: unknown): OrchError {
  const { username, pathname } = new URL(url)
  const name = decodeURIComponent(pathname.slice(1)) || '<database>'
  const role = decodeURIComponent(username) || '<role>'
  return new OrchError(
    'ORCH_DATABASE_FAILED',
    `${role} may not create a schema in ${name}, and a scratch area is one`,
    {
      hint: `Ask for it: grant create on database "${name}" to "${role}"`,
      cause,
    },
  )
}

interface Removal {
  readonly name: string
  readonly database: Database
  readonly remove: () => Promise<void>
}

function ending({ name, database, remove }: Removal): ScratchArea['end'] {
  return async (keep = false) => {
    await database.close()
    if (keep) return
    await remove().catch((error: unknown) => {
      throw new OrchError('ORCH_DATABASE_FAILED', `The scratch area ${name} is still there: ${errorMessage(error)}`, {
        hint: 'The next run removes it, or remove it by hand: it holds nothing real',
        cause: error,
      })
    })
  }
}

async function migrated(
  open: () => Promise<Database>,
  { deps, remove }: { readonly deps: ScratchDeps; readonly remove: () => Promise<void> },
): Promise<Database> {
  let database: Database | undefined
  try {
    database = await open()
    await migrate(database, deps)
    return database
  } catch (error) {
    await database?.close()
    // The first failure is the one that explains; what is left is found by the next run.
    await remove().catch(() => {})
    throw error
  }
}

function openOptions({ clock, random, connections }: ScratchDeps): OpenOptions {
  return { clock, random, ...(connections === undefined ? {} : { connections }) }
}

/** The directory of the file, or the nearest one above it that exists: on the same disk if anything is. */
function directoryBeside(url: string): string {
  let directory = url === ':memory:' ? resolve('.') : dirname(resolve(filePath(url)))
  while (!existsSync(directory)) directory = dirname(directory)
  return directory
}

export interface Leftovers {
  /** Areas of processes that are gone; they were removed. */
  readonly removed: readonly string[]
  /** Areas whose process lives, or may live on another machine. */
  readonly kept: readonly string[]
}

/** Removes what killed runs of the same purpose left beside the database. Never for rehearsals: those may be kept. */
export async function removeLeftovers(
  place: ScratchPlace & { readonly purpose: 'bench' | 'prove' },
  deps: Pick<ScratchDeps, 'clock' | 'random'>,
): Promise<Leftovers> {
  const nowMs = deps.clock.now()
  const prefix = scratchPrefix(place.purpose)
  if (!isServerUrl(place.url)) {
    const directory = directoryBeside(place.url)
    const found = (await readdir(directory)).filter((name) => name.startsWith(prefix))
    const paths = sorted(found, nowMs, (name) => join(directory, name))
    for (const path of paths.removed) await rm(path, { recursive: true, force: true, maxRetries: 3 })
    return paths
  }
  const database = await openDatabase(place.url, { clock: deps.clock, random: deps.random, connections: 1 })
  try {
    const schemas = sorted(await listScratchSchemas(database.db, prefix), nowMs, (name) => name)
    for (const schema of schemas.removed) await dropScratchSchema(database.db, schema)
    return schemas
  } finally {
    await database.close()
  }
}

function sorted(names: readonly string[], nowMs: number, shown: (name: string) => string): Leftovers {
  const dead = new Set(names.filter((name) => isLeftover(name, nowMs)))
  const shownOf = (wanted: boolean) => names.filter((name) => dead.has(name) === wanted).map(shown)
  return { removed: shownOf(true), kept: shownOf(false) }
}
