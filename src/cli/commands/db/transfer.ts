import { anyTable } from '../../../doctor/table-use.ts'
import type { Command } from 'commander'
import type { MovedTable } from '../../../database/migration/transfer/copy-tables.ts'
import type { RefusedValue } from '../../../database/migration/transfer/refused-value.ts'
import type { TransferPlan, TransferReport } from '../../../database/migration/transfer/transfer.ts'
import type { TransferOptions, TransferProgress } from '../../../database/migration/transfer/transfer-options.ts'
import type { ExitName } from '../../../errors/exit-code.ts'
import { parseOptions, type CommandModule, type Invocation } from '../../command.ts'
import type { Io } from '../../io.ts'
import { plain } from '../../render/plain.ts'

export const command: CommandModule = {
  summary: 'move everything to the other engine: a file to a Postgres server, or a server to a file',
  example: 'orch db transfer --to postgres://me@host/database --dry-run',
  tables: anyTable,
  declare: (command: Command) =>
    void command
      .option('--to <url>', 'an empty database: postgres://... or a file (PGPASSWORD keeps a password out of the call)')
      .option('--dry-run', 'list what the target would refuse, and write nothing'),
  run: async (invocation) => {
    const options = await transferOptions(invocation)
    return invocation.options['dryRun'] === true ? dryRun(invocation, options) : moveNow(invocation, options)
  },
}

async function transferOptions({ context, io, options, signal }: Invocation): Promise<TransferOptions> {
  const z = await import('zod')
  const to = z.string('expected postgres://user@host/database or a file').min(1, 'expected an address')
  const flags = parseOptions(z.object({ to }), options)
  const { migrations } = await import('../../../../migrations/index.ts')
  const { isAlive } = await import('../../../workspace/process-identity.ts')
  const { absoluteAddress } = await import('../../../config/database-address.ts')
  const { url: from } = await context.databaseAddress()
  const schema = context.env['ORCH_DB_SCHEMA']
  const { clock, random, cwd } = context
  return {
    from,
    to: absoluteAddress(flags.to, cwd),
    ...(schema === undefined ? {} : { schema }),
    migrations,
    toolVersion: context.version,
    clock,
    random,
    isAlive: ({ processStartedAt, ...process }) => isAlive({ ...process, startTime: processStartedAt }),
    signal,
    onProgress: progressLines(io),
  }
}

const phases: Readonly<Record<TransferProgress['phase'], string>> = {
  check: 'checked',
  copy: 'copied',
  verify: 'read back',
}
const linesEvery = 25_000

/** One line for each table and phase, and more of them for large tables. */
function progressLines(io: Io): (progress: TransferProgress) => void {
  let said = ''
  return ({ phase, table, rows, of }) => {
    const step = rows >= of ? 'end' : Math.floor(rows / linesEvery)
    const line = `${phase} ${table} ${step}`
    if (step === 0 || line === said) return
    said = line
    io.progress(`${phases[phase]} ${table}: ${rows} of ${of} rows`)
  }
}

async function dryRun({ io }: Invocation, options: TransferOptions): Promise<ExitName> {
  const { planTransfer } = await import('../../../database/migration/transfer/transfer.ts')
  const plan = await planTransfer(options)
  io.result('db.transfer', { dryRun: true, ...plan }, () => planText(plan))
  return plan.obstacles.length + plan.refused.length > 0 ? 'conflict' : 'done'
}

async function moveNow({ context, io }: Invocation, options: TransferOptions): Promise<void> {
  const { transfer } = await import('../../../database/migration/transfer/transfer.ts')
  const report = await transfer(options)
  // Whoever made the target here and knows where its rows come from need not be asked again.
  if (!report.targetExists && context.trust.isTrusted(report.from)) context.trust.trust(report.to)
  const trusted = context.trust.isTrusted(report.to)
  for (const column of report.leftBehind) io.warn(`${column} is no column of orch: its values stayed behind`)
  const next = nextCommand(report.to, { schema: options.schema, trusted })
  io.result('db.transfer', { dryRun: false, ...report, trusted, next }, () => reportText(report, next))
}

/** How to work with the target from now on. A password is never repeated. */
function nextCommand(
  address: string,
  { schema, trusted }: { readonly schema: string | undefined; readonly trusted: boolean },
): string {
  const server = address.includes('://')
  const setSchema = server && schema !== undefined ? ` ORCH_DB_SCHEMA=${schema}` : ''
  const point = `export ORCH_DATABASE_URL='${address}'${setSchema}`
  return trusted ? point : `${point} && orch db trust`
}

function planText({ from, to, tables, missing, leftBehind, obstacles, refused, ...plan }: TransferPlan): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  const target = plan.targetExists ? `${to}, where` : `${to}, which does not exist yet and where`
  const lines = [
    `Would move ${rows} rows of ${tables.length} tables from ${from} to ${target} ${plan.migrations} migrations would be applied.`,
    ...tables.filter((table) => table.rows > 0).map((table) => `  ${table.name}: ${table.rows}`),
    ...missing.map((name) => `  ${name}: the source has no such table; it would be empty`),
    ...leftBehind.map((column) => `  ${column}: no column of orch; its values would stay behind`),
    ...obstacles.map(({ message, hint }) => `Refused: ${message}\n  ${hint}`),
    ...(refused.length === 0 ? [] : [refusedTable(refused)]),
    obstacles.length + refused.length === 0
      ? 'Nothing stands in the way. Nothing was written.'
      : 'A real run would refuse to begin. Nothing was written.',
  ]
  return plain(lines.join('\n'))
}

function refusedTable(refused: readonly RefusedValue[]): string {
  const lines = refused.map(({ table, key, column, reason }) => {
    const names = Object.entries(key).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    return `  ${table}  ${names.join(' ')}  ${column}: ${reason}`
  })
  return [`The target would refuse ${refused.length} values:`, ...lines].join('\n')
}

function reportText({ from, to, tables }: TransferReport, next: string): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  const filled = tables.filter((table) => table.rows > 0).map(movedLine)
  return plain(
    [
      `Moved ${rows} rows of ${tables.length} tables from ${from} to ${to}.`,
      ...filled,
      'Every table was read back: rows and hashes are the same on both sides.',
      'The source was only read and still holds everything: run no jobs in both.',
      `Work with the new database from now on (with its password, where it needs one):\n  ${next}`,
    ].join('\n'),
  )
}

function movedLine({ name, rows, hash }: MovedTable): string {
  return `  ${name}: ${rows} rows, ${hash.slice(0, 16)}`
}
