import { anyTable } from '../../../doctor/table-use.ts'
import type { Command } from 'commander'
import type { CommittedStep } from '../../../database/migration/apply-step.ts'
import type { ExitName } from '../../../errors/exit-code.ts'
import { parseOptions, type CommandModule, type Invocation } from '../../command.ts'
import { OrchError } from '../../../errors/orch-error.ts'
import { plain, plainLine } from '../../render/plain.ts'
import { backupData } from './backup-report.ts'
import { dryRun, formats, type DryRunFlags } from './dry-run.ts'
import { withWayBack } from './way-back.ts'

interface MigrateFlags extends DryRunFlags {
  readonly lockTimeout?: number | undefined
}

export const command: CommandModule = {
  summary: 'create the tables that are missing; never changes what exists',
  example: 'orch db migrate --dry-run',
  tables: anyTable,
  declare: (command: Command) =>
    void command
      .option('--dry-run', 'show the exact statements and write nothing')
      .option('--sql <engine>', 'with --dry-run: the statements for sqlite, postgres or both')
      .option('--format <format>', 'with --dry-run: text, github, sarif or junit')
      .option('--to <name>', 'stop after this migration')
      .option('--exit-code', 'exit 10 when migrations are (still) pending')
      .option('--lock-timeout <seconds>', 'how long to wait for another migrator (default: 30)'),
  run: async (invocation) => {
    const flags = await readFlags(invocation)
    const isDryRun = invocation.options['dryRun'] === true
    refuseCombinations(invocation, flags, isDryRun)
    return withWayBack(invocation.context, flags.to, () =>
      isDryRun ? dryRun(invocation, flags) : migrateNow(invocation, flags),
    )
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
    sql: z.enum(['sqlite', 'postgres', 'both'], 'expected sqlite, postgres or both').optional(),
    format: z.enum(formats, `expected ${formats.join(', ')}`).optional(),
  })
  return parseOptions(schema, options)
}

/** Whoever asks for the SQL or a report wants to look: nothing may be written because --dry-run was forgotten. */
function refuseCombinations({ globals }: Invocation, { sql, format }: MigrateFlags, isDryRun: boolean): void {
  const lookOnly = sql === undefined ? format && '--format' : '--sql'
  if (lookOnly !== undefined && !isDryRun) {
    throw new OrchError('ORCH_USAGE', `${lookOnly} belongs to --dry-run; nothing was migrated`, {
      hint: `orch db migrate --dry-run ${lookOnly} ...`,
    })
  }
  if (globals.json && format !== undefined && format !== 'text') {
    throw new OrchError('ORCH_USAGE', `--json and --format ${format} are two answers to one question`, {
      hint: 'Give one of them',
    })
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

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
