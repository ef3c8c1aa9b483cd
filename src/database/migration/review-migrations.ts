/** The dry run: everything that a real run would do, and everything that would stop it, found without a trace. */
import type { ExitName } from '../../errors/exit-code.ts'
import type { Database } from '../connection.ts'
import type { Catalog } from './catalog.ts'
import { stateFindings, type Finding, type FindingKind } from './check-database.ts'
import { validateOnClone, type PlanOptions } from './clone-validation.ts'
import type { EngineName } from './engine.ts'
import { MigrationFailure } from './migration-failure.ts'
import { readState, type DatabaseState } from './migration-state.ts'
import { selectSteps, type SelectedSteps } from './migration-step.ts'
import { translateSteps, validateElsewhere } from './other-engine.ts'
import { plannedMigration, problemsOf, type MigrationPlan, type PlannedMigration } from './plan-migration.ts'
import { reviewSource, type SourceReview } from './source-review.ts'
import type { SourcePlace } from './statement-origin.ts'

export interface ReviewOptions extends PlanOptions {
  /** Whose statements are shown; the database's own are always there. */
  readonly engines: readonly EngineName[]
  /** The schema on the engine that has schemas, also where the database is of the other one. */
  readonly schema: string
}

export type ReviewKind =
  /** The guard, or a proof inside the transaction, does not let it through. */
  | 'refused'
  /** A statement failed on the clone. */
  | 'faulty'
  /** It does not leave behind what it declares. */
  | 'undeclared'
  | Exclude<FindingKind, 'orphans' | 'damaged'>

export interface ReviewFinding {
  readonly kind: ReviewKind
  /** The migration or the object. */
  readonly subject: string
  /** The migration's name, where one is to blame. */
  readonly migration: string | null
  readonly message: string
  readonly next: string
  /** The engines on which it was found. */
  readonly engines: readonly EngineName[]
  readonly statement: string | null
  /** The line of the migration's source, where it is known. */
  readonly place: SourcePlace | null
}

export interface ReviewedMigration extends PlannedMigration {
  /** What would be sent, by engine. */
  readonly sql: Readonly<Partial<Record<EngineName, readonly string[]>>>
  readonly place: SourcePlace | null
}

export interface MigrationReview extends Omit<MigrationPlan, 'steps'> {
  readonly engine: EngineName
  readonly steps: readonly ReviewedMigration[]
  readonly findings: readonly ReviewFinding[]
  readonly validations: Readonly<Partial<Record<EngineName, 'executed' | 'compiled'>>>
  /** Who migrates at this moment, for people; null where nobody does, or nobody can tell. */
  readonly lockHolder: string | null
}

/** What each kind of finding makes of the exit code. */
export const exitOfReview: Readonly<Record<ReviewKind, ExitName>> = {
  refused: 'migrationRefused',
  invalid_index: 'migrationIncomplete',
  edited: 'migrationDrift',
  conflict: 'migrationDrift',
  newer: 'migrationDrift',
  unknown: 'migrationDrift',
  undeclared: 'migrationDrift',
  faulty: 'database',
  missing: 'migrationsPending',
  pending: 'migrationsPending',
}

/** Findings that a real run takes care of. */
export function isPending({ kind }: Pick<ReviewFinding, 'kind'>): boolean {
  return exitOfReview[kind] === 'migrationsPending'
}

/**
 * Reads in one transaction that refuses writes, proves in a second one that is always rolled back (or in memory), and
 * waits for nobody. Needs only the right to read. Throws ORCH_NOT_FOUND and ORCH_CONFLICT for a `to` that is unknown
 * or behind the database.
 */
export async function reviewMigrations(database: Database, options: ReviewOptions): Promise<MigrationReview> {
  const own = await reviewSource(options.migrations, database.dialect.schema)
  const wantsOther = options.engines.some((engine) => engine !== own.engine)
  const otherSchema = own.engine === 'sqlite' ? options.schema : null
  const other = wantsOther ? await reviewSource(options.migrations, otherSchema) : null
  const { state, catalog } = await readEverything(database, own)
  const selected = select(own, state, options)
  const refused = mergeEngines([...(await refusals(own)), ...(other === null ? [] : await refusals(other))])
  const found = await stateFindingsOf(own, { state, catalog, options, selected })
  const blocked = [...refused, ...found].some((finding) => !isPending(finding))
  const proof = await prove({ database, own, other, state, selected, options, blocked })
  return {
    engine: own.engine,
    steps: await Promise.all(reviewedSteps({ own, other, state, selected, options })),
    remaining: selected.remaining,
    problems: problemsOf(state),
    findings: [...refused, ...proof.findings, ...found],
    validation: proof.validations[own.engine] ?? 'compiled',
    validations: proof.validations,
    lockHolder: await own.source.engine.lockHolder(database).catch(() => null),
  }
}

async function readEverything({ db }: Database, { source, refusals: refused }: SourceReview) {
  const names = new Set(refused.map(({ migration }) => migration))
  return source.engine.read(db, async (trx) => {
    const state = await readState(trx, source)
    const unknown = state.unknown.filter(({ name }) => !names.has(name))
    return { state: { ...state, unknown }, catalog: await source.engine.readCatalog(trx) }
  })
}

/** A `to` that names a refused migration selects nothing: the refusal says enough. */
function select({ source, refusals: refused }: SourceReview, state: DatabaseState, { to }: ReviewOptions) {
  const isRefused = refused.some(({ migration }) => migration === to || migration.startsWith(`${to}-`))
  return to !== undefined && isRefused ? { steps: [], remaining: 0 } : selectSteps(source, state, to)
}

function refusals(review: SourceReview): Promise<readonly ReviewFinding[]> {
  return Promise.all(review.refusals.map((failure) => failureFinding(failure, review)))
}

async function failureFinding(failure: MigrationFailure, review: SourceReview): Promise<ReviewFinding> {
  const { code, migration, statement, message, hint } = failure
  const kinds: Partial<Record<typeof code, ReviewKind>> = {
    ORCH_MIGRATION_REFUSED: 'refused',
    ORCH_MIGRATION_DRIFT: 'undeclared',
  }
  return {
    kind: kinds[code] ?? 'faulty',
    subject: migration,
    migration,
    message,
    next: hint ?? '',
    engines: [review.engine],
    statement,
    place: statement === null ? null : await review.placeOf(migration, statement),
  }
}

/** What both engines say in the same words is one finding. */
function mergeEngines(findings: readonly ReviewFinding[]): readonly ReviewFinding[] {
  const merged = new Map<string, ReviewFinding>()
  for (const finding of findings) {
    // Quotes and schemas differ in the statement below the first line.
    const key = `${finding.migration} ${finding.message.split('\n')[0]}`
    const known = merged.get(key)
    const engines = [...(known?.engines ?? []), ...finding.engines]
    merged.set(key, { ...(known ?? finding), engines, place: known?.place ?? finding.place })
  }
  return [...merged.values()]
}

interface StateReview {
  readonly state: DatabaseState
  readonly catalog: Catalog
  readonly options: ReviewOptions
  readonly selected: SelectedSteps
}

async function stateFindingsOf(review: SourceReview, { state, catalog, options, selected }: StateReview) {
  const { migrations } = options
  const all = stateFindings({ state, catalog, source: review.source, migrations })
  const chosen = new Set(selected.steps.map(({ compiled }) => compiled.migration.name))
  const own = all.filter(({ kind, subject }) => kind !== 'pending' || chosen.has(subject))
  return Promise.all(own.map((finding) => placed(finding, review)))
}

async function placed(finding: Finding, review: SourceReview): Promise<ReviewFinding> {
  const { kind, subject, message, next } = finding
  const compiled = review.source.migrations.find(({ migration }) => migration.name === subject)
  const migration = compiled?.migration.name ?? null
  const statement = compiled?.statements[0]?.sql
  const place = migration === null || statement === undefined ? null : await review.placeOf(migration, statement)
  return {
    kind: kind === 'orphans' || kind === 'damaged' ? 'conflict' : kind,
    subject,
    migration,
    message,
    next,
    engines: [review.engine],
    statement: null,
    place,
  }
}

interface Proving {
  readonly database: Database
  readonly own: SourceReview
  readonly other: SourceReview | null
  readonly state: DatabaseState
  readonly selected: SelectedSteps
  readonly options: ReviewOptions
  /** A real run would not start. */
  readonly blocked: boolean
}

interface Proof {
  readonly findings: readonly ReviewFinding[]
  readonly validations: Partial<Record<EngineName, 'executed' | 'compiled'>>
}

/** Executes the plan on a clone, and on the other engine where its statements are shown. */
async function prove({ database, own, other, state, selected, options, blocked }: Proving): Promise<Proof> {
  const findings: ReviewFinding[] = []
  const validations: Proof['validations'] = {}
  const run = async (review: SourceReview, execute: () => Promise<'executed' | 'compiled'>) => {
    try {
      validations[review.engine] = blocked || selected.steps.length === 0 ? 'compiled' : await execute()
    } catch (error) {
      if (!(error instanceof MigrationFailure)) throw error
      validations[review.engine] = 'executed'
      findings.push(await failureFinding(error, review))
    }
  }
  const { steps } = selected
  await run(own, () => validateOnClone({ database, source: own.source, state, steps, options }))
  if (other !== null) await run(other, () => validateElsewhere(other.source, options))
  return { findings: mergeEngines(findings), validations }
}

type Reviewing = Pick<Proving, 'own' | 'other' | 'state' | 'selected' | 'options'>

function reviewedSteps({ own, other, state, selected, options }: Reviewing): readonly Promise<ReviewedMigration>[] {
  const { steps } = selected
  const translated = other === null ? [] : translateSteps({ own: own.source, other: other.source, state, steps })
  return steps.map(async (step, index) => {
    const rest = { sequence: state.lastSequence + 1 + index, toolVersion: options.toolVersion }
    const planned = plannedMigration(own.source, { step, ...rest })
    const twin = translated[index]
    const sql: Partial<Record<EngineName, readonly string[]>> = {}
    for (const engine of options.engines) {
      if (engine === own.engine) sql[engine] = planned.statements
      else if (other !== null && twin !== undefined) {
        sql[engine] = plannedMigration(other.source, { step: twin, ...rest }).statements
      }
    }
    const { migration, statements } = step.compiled
    return { ...planned, sql, place: await own.placeOf(migration.name, statements[0]?.sql ?? '') }
  })
}
