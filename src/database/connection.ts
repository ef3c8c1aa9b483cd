import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { OrchError } from '../errors/orch-error.ts'
import type { ChangeWatch, WatchOptions } from './dialect/change-watch.ts'
import type { Db, Dialect, Trx } from './dialect/dialect.ts'

/** An open database. `write` is `dialect.write` bound to `db`. */
export interface Database {
  readonly db: Db
  readonly dialect: Dialect
  /** The address without its password, for people. */
  readonly address: string
  now(): Promise<number>
  write<T>(work: (trx: Trx) => Promise<T>): Promise<T>
  /** The same for what may let a job start or make one stop: schedulers elsewhere hear of it with the commit. */
  announce<T>(work: (trx: Trx) => Promise<T>): Promise<T>
  /** Starts to listen for what others write. Returns at once, also while the database is away. */
  watchChanges(options?: WatchOptions): ChangeWatch
  /** From now on nothing waits longer than about a second for a lock or a server; for a process that is to end. */
  hurry(): void
  close(): Promise<void>
}

export interface OpenOptions {
  readonly clock: Clock
  readonly random: Random
  /** Schema on engines that have schemas; `ORCH_DB_SCHEMA`, default `orch`. */
  readonly schema?: string
  /** Refuse every write at the engine. */
  readonly readOnly?: boolean
  /** Create a missing SQLite file. Only `init`, `quickstart` and `db migrate` do. */
  readonly create?: boolean
  /** Stop, rather than go on with another file, when the file is replaced; for what looked at it before it writes. */
  readonly pinned?: boolean
  /** Connections on engines that pool; default 10. */
  readonly connections?: number
}

const serverUrl = /^postgres(ql)?:\/\//i

/** Whether the address names a server rather than a file. */
export function isServerUrl(url: string): boolean {
  return serverUrl.test(url)
}

/**
 * Opens `postgres://...`, or a SQLite file given as a path, `sqlite:path` or `:memory:`.
 * Throws ORCH_DATABASE_UNREACHABLE when it cannot be opened, ORCH_USAGE for another scheme.
 */
export async function openDatabase(url: string, options: OpenOptions): Promise<Database> {
  const { db, dialect, address, watchChanges, hurry, close } = await openEngine(url, options)
  return {
    db,
    dialect,
    address,
    now: () => dialect.now(db),
    write: (work) => dialect.write(db, work),
    announce: (work) =>
      dialect.write(db, async (trx) => {
        const done = await work(trx)
        await dialect.notify(trx)
        return done
      }),
    watchChanges,
    hurry,
    close,
  }
}

async function openEngine(url: string, options: OpenOptions) {
  if (isServerUrl(url)) {
    const { openPostgres } = await import('./dialect/postgres.ts')
    return openPostgres(url, options)
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]
  if (scheme !== undefined && scheme !== 'sqlite' && scheme !== 'file') {
    throw new OrchError(
      'ORCH_USAGE',
      `orch does not speak ${scheme}: databases are SQLite files or postgres:// servers`,
      {
        hint: 'Give --db <path> or --db postgres://user@host/database',
      },
    )
  }
  const { openSqlite } = await import('./dialect/sqlite.ts')
  return openSqlite(filePath(url), options)
}

/** The path in an address that names a file: `sqlite:path`, `file:path` or the path itself. */
export function filePath(url: string): string {
  return url.replace(/^(sqlite|file):(\/\/)?/i, '')
}
