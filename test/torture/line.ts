import type { Database } from '../../src/database/connection.ts'
import { errorMessage } from '../../src/errors/orch-error.ts'
import type { PostgresServer } from '../support/postgres-server.ts'

/** short: at most 5 s, in `npm test`; normal: `npm run torture`; full: `--full`. */
export type Size = 'short' | 'normal' | 'full'

export type Engine = 'SQLite' | 'Postgres'

/** One thing a line measured, beside what was promised. */
export interface Figure {
  readonly name: string
  readonly value: number | string
  /** For people: `0`, `<= 2000 ms`. */
  readonly bound: string
  readonly pass: boolean
}

export interface OpenedDatabase {
  readonly database: Database
  /** For `openDatabase`, `--db` and `ORCH_DATABASE_URL`. */
  readonly url: string
  /** For `ORCH_DB_SCHEMA`; undefined on SQLite. */
  readonly schema: string | undefined
}

/** What one run of a line gets. The runner removes all of it afterwards. */
export interface Scene {
  readonly engine: Engine
  /** A fresh, migrated database; every call makes another one. */
  open(): Promise<OpenedDatabase>
  /** A directory with nothing but `.orch/workspace.json`. */
  readonly cwd: string
  readonly seed: number
  /** The server of the whole run; a line that stops or restarts one starts its own. Null on SQLite. */
  readonly server: PostgresServer | null
  /** Says something to the reader while the line runs. */
  report(text: string): void
}

/** A long test of a promise. */
export interface TortureLine {
  /** What `npm run torture -- <name>` says. */
  readonly name: string
  /** One sentence. */
  readonly promise: string
  /** Default: both. */
  readonly engines?: readonly Engine[]
  run(scene: Scene, size: Size): Promise<readonly Figure[]>
}

/** A bound in a unit that is shown, for example `{ limit: 2000, unit: 'ms' }`. */
export interface Limit {
  readonly limit: number
  readonly unit?: string
}

/** A figure that must be at most the limit. */
export function atMost(name: string, value: number, { limit, unit }: Limit): Figure {
  return { name, value: rounded(value), bound: `<= ${withUnit(limit, unit)}`, pass: value <= limit }
}

/** A figure that must be at least the limit. */
export function atLeast(name: string, value: number, { limit, unit }: Limit): Figure {
  return { name, value: rounded(value), bound: `>= ${withUnit(limit, unit)}`, pass: value >= limit }
}

/** A figure that must be one number; usually 0. */
export function exactly(name: string, value: number, wanted: number): Figure {
  return { name, value, bound: String(wanted), pass: value === wanted }
}

/** A figure without a bound, for the reader. */
export function noted(name: string, value: number | string): Figure {
  return { name, value: typeof value === 'number' ? rounded(value) : value, bound: '-', pass: true }
}

/** A line that throws is broken: what it threw is its figure. */
export function thrown(error: unknown, report: Scene['report']): readonly Figure[] {
  report(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  const [value = ''] = errorMessage(error).split('\n')
  return [{ name: 'threw', value, bound: 'nothing thrown', pass: false }]
}

function withUnit(limit: number, unit: string | undefined): string {
  return unit === undefined ? String(rounded(limit)) : `${rounded(limit)} ${unit}`
}

function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100
}
