/** Migrations compiled for one engine, with everything that the guard refuses instead of the first of it. */
import type { CompiledMigration } from './compiled-migration.ts'
import { compileMigration, refuseRepetition } from './compile-migration.ts'
import { engineOf, type EngineName } from './engine.ts'
import { MigrationFailure } from './migration-failure.ts'
import { sourceOf, type MigrationSource } from './migration-step.ts'
import type { Migration } from './migration.ts'
import { StatementOrigins, type SourcePlace } from './statement-origin.ts'

export interface SourceReview {
  readonly engine: EngineName
  /** Of the migrations that were not refused. */
  readonly source: MigrationSource
  readonly refusals: readonly MigrationFailure[]
  /** Where a migration has a statement, or null where that is not to be found. */
  placeOf(migration: string, statement: string): Promise<SourcePlace | null>
}

/** Throws only what is no refusal. `schema` is null for the engine that has none. */
export async function reviewSource(migrations: readonly Migration[], schema: string | null): Promise<SourceReview> {
  const engine = await engineOf(schema)
  const origins = new Map<string, StatementOrigins>()
  const makers = new Map<string, string>()
  const accepted: CompiledMigration[] = []
  const refusals: MigrationFailure[] = []
  for (const migration of migrations) {
    const origin = new StatementOrigins()
    origins.set(migration.name, origin)
    try {
      const compiled = await compileMigration(origin.watch(engine), migration, schema)
      refuseRepetition(compiled, makers)
      accepted.push(compiled)
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw error
      refusals.push(error)
    }
  }
  return {
    engine: schema === null ? 'sqlite' : 'postgres',
    source: await sourceOf(engine, schema, accepted),
    refusals,
    placeOf: async (migration, statement) => (await origins.get(migration)?.of(statement)) ?? null,
  }
}
