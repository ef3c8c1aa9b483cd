import type { EngineName } from '../../../database/migration/engine.ts'
import type { ExitName } from '../../../errors/exit-code.ts'
import type { Invocation } from '../../command.ts'
import type { ReviewReport } from './review/report.ts'
import { withReading } from './reading.ts'

export const formats = ['text', 'github', 'sarif', 'junit'] as const
export type Format = (typeof formats)[number]

export interface DryRunFlags {
  readonly to?: string | undefined
  readonly exitCode?: boolean | undefined
  readonly sql?: EngineName | 'both' | undefined
  readonly format?: Format | undefined
}

/** `orch db migrate --dry-run`. */
export async function dryRun({ context, io }: Invocation, flags: DryRunFlags): Promise<ExitName> {
  const { reviewMigrations } = await import('../../../database/migration/review-migrations.ts')
  const { engineNames } = await import('../../../database/migration/engine.ts')
  const { reportOf } = await import('./review/report.ts')
  const { migrations } = await import('../../../../migrations/index.ts')
  const { clock, env, cwd, version: toolVersion } = context
  return withReading(context, async (reading) => {
    const { database, exists, address, openScratch } = reading
    const ownEngine: EngineName = database.dialect.schema === null ? 'sqlite' : 'postgres'
    const engines = flags.sql === 'both' ? engineNames : [flags.sql ?? ownEngine]
    const to = flags.to === undefined ? {} : { to: flags.to }
    const schema = env['ORCH_DB_SCHEMA'] ?? 'orch'
    const options = { migrations, clock, toolVersion, openScratch, engines, schema, ...to }
    const report = reportOf(await reviewMigrations(database, options), {
      database: address,
      exists,
      toolVersion,
      exitCode: flags.exitCode === true,
      root: env['GITHUB_WORKSPACE'] ?? cwd,
    })
    const render = await rendererOf(flags.format ?? 'text')
    io.result('db.migrate', jsonOf(report), () => render(report))
    return report.exit
  })
}

async function rendererOf(format: Format): Promise<(report: ReviewReport) => string> {
  switch (format) {
    case 'text':
      return (await import('./review/text.ts')).reviewText
    case 'github':
      return (await import('./review/github.ts')).reviewGithub
    case 'sarif':
      return (await import('./review/sarif.ts')).reviewSarif
    case 'junit':
      return (await import('./review/junit.ts')).reviewJunit
  }
}

function jsonOf(report: ReviewReport) {
  const { database, exists, engine, remaining, problems, validation, validations, lockHolder, exitCode } = report
  const steps = report.steps.map(({ place: _place, at, ...step }) => ({
    ...step,
    file: at?.file ?? null,
    line: at?.line ?? null,
  }))
  const findings = report.findings.map(({ place: _place, at, ...finding }) => ({
    ...finding,
    file: at?.file ?? null,
    line: at?.line ?? null,
  }))
  const about = { dryRun: true, database, exists, engine, lockHolder, exitCode }
  return { ...about, steps, remaining, problems, findings, validation, validations }
}
