/** A plan for the database at hand, said in the language of the other engine. */
import { openDatabase } from '../connection.ts'
import type { PlanOptions } from './clone-validation.ts'
import { objectName } from './compiled-migration.ts'
import { migrate } from './migrate.ts'
import { prelude, type MigrationSource, type MigrationStep } from './migration-step.ts'
import type { DatabaseState } from './migration-state.ts'

export interface Translation {
  readonly own: MigrationSource
  readonly other: MigrationSource
  readonly state: DatabaseState
  readonly steps: readonly MigrationStep[]
}

/** The same steps with the other engine's statements and checksums. */
export function translateSteps({ own, other, state, steps }: Translation): readonly MigrationStep[] {
  const { ledgerExists } = state
  // Where the own engine has no schemas, a ledger is the sign that a first run made one.
  const first = prelude(other, { ledgerExists, schemaExists: own.schema === null ? ledgerExists : state.schemaExists })
  return steps.map((step, index) => {
    const { name } = step.compiled.migration
    const compiled = other.migrations.find(({ migration }) => migration.name === name) ?? step.compiled
    const absent = new Set(step.state.absent.map(({ creates }) => objectName(creates).toLowerCase()))
    const statements = compiled.statements.filter(({ creates }) => absent.has(objectName(creates).toLowerCase()))
    return {
      ...step,
      compiled,
      state: { ...step.state, compiled, absent: statements },
      statements: [...(index === 0 ? first : []), ...statements.map(({ sql }) => sql)],
    }
  })
}

/**
 * Runs all migrations in a new database in memory, for which the engine without a server is always at hand.
 * `compiled` for the other one. Throws what the run throws.
 */
export async function validateElsewhere(
  other: MigrationSource,
  options: PlanOptions,
): Promise<'executed' | 'compiled'> {
  if (other.schema !== null) return 'compiled'
  const { clock } = options
  const database = await openDatabase(':memory:', { clock, random: { next: () => 0 } })
  try {
    await migrate(database, { ...options, lockTimeoutMs: 0 })
    return 'executed'
  } finally {
    await database.close()
  }
}
