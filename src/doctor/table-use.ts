import type { TableName } from '../database/tables.ts'
import { withoutTable } from './missing-table.ts'

/**
 * The tables that a command works with. Each command declares its own, and the tests hold it to that: a statement
 * about another table fails them. The ledger is not named: whatever opens a database reads it, and does without.
 */
export interface TableUse {
  /** Without any of these it does nothing but name what is missing and the command that brings it back. */
  readonly needs: readonly TableName[]
  /** Without these it does its work with less, or names what it could not do. */
  readonly uses: readonly TableName[]
  /** What it needs instead where a flag is given. */
  readonly needsWith?: Readonly<Record<string, readonly TableName[]>>
}

/** How a command stands while tables are missing. */
export type Standing =
  | { readonly kind: 'works' }
  | { readonly kind: 'reduced'; readonly missing: readonly TableName[] }
  | { readonly kind: 'off'; readonly missing: readonly TableName[] }

/** For a command that asks no database. */
export const noTables: TableUse = { needs: [], uses: [] }

/** For a command whose subject is the tables themselves. */
export const anyTable: TableUse = { needs: [], uses: Object.keys(withoutTable) as TableName[] }

/** What readiness looks at to say why a job waits. */
export const readinessTables: readonly TableName[] = [
  'provider_config',
  'provider_health',
  'orchestrator_config',
  'model_usage',
  'roles',
  'job_dependencies',
  'reservations',
  'job_locks',
  'scheduler_instances',
]

/** How a command with these flags stands without the missing tables. Pure. */
export function standingOf(use: TableUse, missing: ReadonlySet<TableName>, flags: readonly string[] = []): Standing {
  const instead = flags.find((flag) => use.needsWith !== undefined && Object.hasOwn(use.needsWith, flag))
  const needs = (instead === undefined ? undefined : use.needsWith?.[instead]) ?? use.needs
  const off = needs.filter((table) => missing.has(table))
  if (off.length > 0) return { kind: 'off', missing: off }
  const reduced = ownTables(use).filter((table) => missing.has(table))
  return reduced.length > 0 ? { kind: 'reduced', missing: reduced } : { kind: 'works' }
}

/** Every table that the command works with, flags included. */
export function ownTables(use: TableUse): readonly TableName[] {
  return [...new Set([...use.needs, ...use.uses, ...Object.values(use.needsWith ?? {}).flat()])]
}
