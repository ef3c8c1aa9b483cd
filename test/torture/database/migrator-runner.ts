// A process that migrates whenever it is told to, one line of JSON per run. It can be told to kill itself before its
// n-th statement that changes something or begins or ends a transaction, which the drivers below are made to count.
import { createInterface } from 'node:readline'
import SqliteFile from 'better-sqlite3'
import pg from 'pg'
import { openDatabase } from '../../../src/database/connection.ts'
import { migrate } from '../../../src/database/migration/migrate.ts'
import { OrchError } from '../../../src/errors/orch-error.ts'
import { systemClock, type Clock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { numberedMigrations } from '../../support/migration-fixtures.ts'
import type { BarePlace } from './bare-database.ts'

export interface MigratorOrder extends BarePlace {
  /** How many of the numbered migrations it knows. */
  readonly migrations: number
  /** Dies before this statement, counted from 1. */
  readonly dieBefore?: number
  /** Every statement counts, those that only read too. */
  readonly countReads?: boolean
  /** How far its clock is off. */
  readonly skewMs?: number
}

export interface MigratorReport {
  /** Names of what it committed. */
  readonly applied: readonly string[]
  /** 0, or what a call of the program would end with. */
  readonly exitCode: number
  readonly message: string
  readonly elapsedMs: number
  /** Statements that counted. */
  readonly statements: number
}

let counted = 0
let order: MigratorOrder | null = null

/** Called before a statement is sent; by then everything before it has been answered. */
function pass(text: string): void {
  if (order === null || (order.countReads !== true && isRead(text))) return
  counted += 1
  if (counted === order.dieBefore) process.kill(process.pid, 'SIGKILL')
}

function isRead(text: string): boolean {
  return /^\s*(select|pragma|with)\b/i.test(text)
}

function watchSqlite(): void {
  const file = new SqliteFile(':memory:')
  const prototype = Object.getPrototypeOf(file.prepare('select 1')) as Record<string, unknown>
  for (const name of ['all', 'run', 'get', 'iterate']) {
    const original = prototype[name] as (this: { readonly source: string }, ...values: unknown[]) => unknown
    prototype[name] = function (this: { readonly source: string }, ...values: unknown[]) {
      pass(this.source)
      return original.apply(this, values)
    }
  }
  file.close()
}

function watchPostgres(): void {
  const prototype = pg.Client.prototype as unknown as Record<string, (...values: unknown[]) => unknown>
  const original = prototype['query']
  if (original === undefined) return
  prototype['query'] = function (this: unknown, ...values: unknown[]) {
    if (typeof values[0] === 'string') pass(values[0])
    return original.apply(this, values)
  }
}

async function run(given: MigratorOrder): Promise<MigratorReport> {
  counted = 0
  const begin = performance.now()
  const { url, schema, migrations, skewMs = 0 } = given
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + skewMs }
  const options = { clock, random: systemRandom, schema, create: true, connections: 2 }
  const end = (exitCode: number, message: string, applied: readonly string[]) => {
    return { applied, exitCode, message, elapsedMs: performance.now() - begin, statements: counted }
  }
  const applied: string[] = []
  try {
    const database = await openDatabase(url, options)
    try {
      order = given
      const list = numberedMigrations(migrations)
      const onStep = ({ name }: { readonly name: string }) => void applied.push(name)
      await migrate(database, { migrations: list, clock, toolVersion: 'torture', onStep })
    } finally {
      order = null
      await database.close()
    }
    return end(0, '', applied)
  } catch (error) {
    return end(error instanceof OrchError ? error.exitCode : 1, String(error), applied)
  }
}

watchSqlite()
watchPostgres()
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line) as MigratorOrder))}\n`)
}
