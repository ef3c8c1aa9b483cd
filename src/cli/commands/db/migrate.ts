import type { Command } from 'commander'
import type { MigrationPlan } from '../../../database/migration/plan-migration.ts'
import type { CommittedStep } from '../../../database/migration/migrate.ts'
import type { ExitName } from '../../../errors/exit-code.ts'
import { parseOptions, type CommandModule, type Invocation } from '../../command.ts'
import { plain, plainLine } from '../../render/plain.ts'
import { backupData } from './backup-report.ts'

interface MigrateFlags {
  readonly to?: string | undefined
  readonly exitCode?: boolean | undefined
  readonly lockTimeout?: number | undefined
}

export const command: CommandModule = {
  summary: 'create the tables that are missing; never changes what exists',
  example: 'orch db migrate --dry-run',
  declare: (command: Command) =>
    void command
      .option('--dry-run', 'show the exact statements and write nothing')
      .option('--to <name>', 'stop after this migration')
      .option('--exit-code', 'exit 10 when migrations are (still) pending')
      .option('--lock-timeout <seconds>', 'how long to wait for another migrator (default: 30)'),
  run: async (invocation) => {
    const flags = await readFlags(invocation)
    return invocation.options['dryRun'] === true ? dryRun(invocation, flags) : migrateNow(invocation, flags)
  },
}

async function readFlags({ options }: Invocation): Promise<MigrateFlags> {
  const z = await import('zod')
  const seconds = z.coerce
    .number('expected seconds')
    .min(0, 'expected seconds from 0')
    .max(86_400, 'expected at most a day')
  const schema = z.object({
    to: z.string().min(1, 'expected the name of a migration').optional(),
    exitCode: z.boolean().optional(),
    lockTimeout: seconds.optional(),
  })
  return parseOptions(schema, options)
}

async function dryRun({ context, io }: Invocation, { to, exitCode }: MigrateFlags): Promise<ExitName> {
  const { openForReading } = await import('../../../database/migration/open-for-reading.ts')
  const { planMigration } = await import('../../../database/migration/plan-migration.ts')
  const { migrations } = await import('../../../../migrations/index.ts')
  const { url } = await context.databaseAddress()
  const schema = context.env['ORCH_DB_SCHEMA']
  const { clock, random } = context
  const reading = await openForReading(url, { clock, random, ...(schema === undefined ? {} : { schema }) })
  try {
    const plan = await planMigration(reading.database, {
      migrations,
      clock,
      toolVersion: context.version,
      ...(to === undefined ? {} : { to }),
      openScratch: reading.openScratch,
    })
    const data = { dryRun: true, database: reading.address, exists: reading.exists, ...plan }
    io.result('db.migrate', data, () => planText(plan, reading.address))
    if (plan.problems.length > 0) return 'migrationDrift'
    return exitCode === true && plan.steps.length + plan.remaining > 0 ? 'migrationsPending' : 'done'
  } finally {
    await reading.close()
  }
}

async function migrateNow({ context, io, signal }: Invocation, flags: MigrateFlags): Promise<ExitName> {
  const { database, steps, remaining, created, backup } = await context.migrate({
    ...(flags.to === undefined ? {} : { to: flags.to }),
    ...(flags.lockTimeout === undefined ? {} : { lockTimeoutMs: flags.lockTimeout * 1000 }),
    signal,
    onStep: (step) => io.progress(stepLine(step)),
    onBackup: (made) => io.progress(`saved    ${plainLine(made.path)}`),
  })
  await context.databaseIsTrusted()
  const data = {
    dryRun: false,
    database: database.address,
    created,
    backup: backup === null ? null : backupData(backup),
    steps,
    remaining,
  }
  io.result('db.migrate', data, () => reportText(steps, { remaining, address: database.address }))
  return flags.exitCode === true && remaining > 0 ? 'migrationsPending' : 'done'
}

function stepLine({ outcome, name, durationMs }: CommittedStep): string {
  return outcome === 'adopted' ? `adopted  ${name} (existed already)` : `applied  ${name} (${durationMs} ms)`
}

function reportText(
  steps: readonly CommittedStep[],
  { remaining, address }: { readonly remaining: number; readonly address: string },
): string {
  const rest = remaining === 0 ? '' : `; ${remaining} later ones are pending`
  if (steps.length === 0) return plain(`Nothing to do: ${address} is up to date${rest}.`)
  return plain(`${count(steps.length, 'migration')} committed to ${address}${rest}.`)
}

function planText({ steps, problems, remaining, validation }: MigrationPlan, address: string): string {
  if (problems.length > 0) {
    const lines = problems.map((problem) => `  ${problem}`)
    return plain(`Drift in ${address}: a real run would refuse to do anything.\n${lines.join('\n')}`)
  }
  const rest = remaining === 0 ? '' : `\n${remaining} later ones stay pending.`
  if (steps.length === 0) return plain(`Nothing to do: ${address} is up to date. Nothing was written.${rest}`)
  const blocks = steps.map((step) => {
    const creates =
      step.creates.length === 0 ? 'exists already, is only recorded' : `creates ${step.creates.join(', ')}`
    return [`-- ${step.name}: ${creates}`, `-- ${step.reason}`, ...step.statements.map((sql) => `${sql};`)].join('\n')
  })
  const checked =
    validation === 'executed'
      ? 'Checked by executing them on a clone'
      : 'Compiled, not executed: no clone could be made'
  const head = `${count(steps.length, 'migration')} pending in ${address}.`
  return plain(
    `${head}\n\n${blocks.join('\n\n')}\n\n${checked}. Nothing was written; apply with orch db migrate.${rest}`,
  )
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
