/** What every format of a dry run shows. */
import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import {
  exitOfReview,
  isPending,
  type MigrationReview,
  type ReviewedMigration,
  type ReviewFinding,
} from '../../../../database/migration/review-migrations.ts'
import { exitCodes, type ExitName } from '../../../../errors/exit-code.ts'

/** A line of a file of the repository; `line` is null where only the file is known. */
export interface Place {
  /** Relative to the repository, with forward slashes. */
  readonly file: string
  readonly line: number | null
}

export interface ReportedFinding extends ReviewFinding {
  readonly at: Place | null
  /** `error` stops a real run; `note` is what it takes care of. */
  readonly level: 'error' | 'note'
  readonly exitCode: number
}

export interface ReportedMigration extends ReviewedMigration {
  readonly at: Place | null
}

export interface ReviewReport extends Omit<MigrationReview, 'findings' | 'steps'> {
  readonly findings: readonly ReportedFinding[]
  readonly steps: readonly ReportedMigration[]
  /** Its address, without a password. */
  readonly database: string
  readonly exists: boolean
  readonly toolVersion: string
  readonly exit: ExitName
  readonly exitCode: number
}

/** The most severe first, as in `db check`. */
const severity: readonly ExitName[] = [
  'migrationRefused',
  'migrationIncomplete',
  'migrationDrift',
  'database',
  'migrationsPending',
]

export interface ReportOptions {
  readonly database: string
  readonly exists: boolean
  readonly toolVersion: string
  /** Pending work counts too. */
  readonly exitCode: boolean
  /** The root of the checked-out repository: places are relative to it. */
  readonly root: string
}

/** Completes a review with places in the repository, levels and the exit it means. */
export function reportOf(review: MigrationReview, options: ReportOptions): ReviewReport {
  const { root, exitCode: countsPending, ...about } = options
  const fallback = dependencyPlace(root)
  const findings = review.findings.map((finding): ReportedFinding => {
    const exit = exitOfReview[finding.kind]
    const level = isPending(finding) ? 'note' : 'error'
    return { ...finding, at: placeIn(root, finding) ?? fallback, level, exitCode: exitCodes[exit].code }
  })
  const steps = review.steps.map((step) => {
    return { ...step, at: placeIn(root, { place: step.place, migration: step.name }) ?? fallback }
  })
  const open = review.steps.length + review.remaining > 0
  const exits = new Set<ExitName>(
    findings.filter(({ level }) => level === 'error').map(({ kind }) => exitOfReview[kind]),
  )
  if (countsPending && open) exits.add('migrationsPending')
  const exit = severity.find((name) => exits.has(name)) ?? 'done'
  return { ...review, ...about, findings, steps, exit, exitCode: exitCodes[exit].code }
}

/** The line of the migration in this repository, or its file; null where the repository has no such migration. */
function placeIn(root: string, { place, migration }: Pick<ReviewFinding, 'place' | 'migration'>): Place | null {
  const path = place === null ? '' : relative(root, place.file)
  if (place !== null && path !== '' && !path.startsWith('..') && !isAbsolute(path) && existsSync(place.file)) {
    return { file: path.replaceAll('\\', '/'), line: place.line }
  }
  if (migration === null) return null
  const file = `migrations/${migration}.ts`
  return existsSync(join(root, file)) ? { file, line: null } : null
}

/** Whoever only uses orch changes its version here: that line brought the migrations. */
function dependencyPlace(root: string): Place | null {
  const file = 'package.json'
  const path = join(root, file)
  if (!existsSync(path)) return null
  const text = readFileSync(path, 'utf8')
  const version = dependencyVersion(text)
  const line = text.split('\n').findIndex((one) => one.includes('"orch"') && one.includes(JSON.stringify(version)))
  return version === null || line === -1 ? null : { file, line: line + 1 }
}

function dependencyVersion(manifest: string): string | null {
  try {
    const { dependencies, devDependencies } = JSON.parse(manifest) as Record<string, Record<string, string> | undefined>
    return dependencies?.['orch'] ?? devDependencies?.['orch'] ?? null
  } catch {
    return null
  }
}

/** `creates table jobs, index jobs_claim`. */
export function effectOf({ creates }: Pick<ReviewedMigration, 'creates'>): string {
  return creates.length === 0 ? 'exists already, is only recorded' : `creates ${creates.join(', ')}`
}

/** One sentence about the whole. */
export function summaryOf({ steps, findings, remaining, database, exitCode }: ReviewReport): string {
  const errors = findings.filter(({ level }) => level === 'error').length
  const rest = remaining === 0 ? '' : `, ${remaining} after --to`
  return `${database}: ${counted(steps.length, 'migration')} pending${rest}, ${counted(errors, 'error')}; exit ${exitCode}`
}

/** `1 migration`, `2 migrations`. */
export function counted(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
