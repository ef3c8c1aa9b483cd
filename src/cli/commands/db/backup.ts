import { anyTable } from '../../../doctor/table-use.ts'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { OrchError } from '../../../errors/orch-error.ts'
import { parseOptions, type CommandModule, type Invocation } from '../../command.ts'
import { iso } from '../../render/json.ts'
import { plain, plainLine } from '../../render/plain.ts'
import { backupData, sizeText, storedData, tellProgress, warnLeftOut } from './backup-report.ts'

export const command: CommandModule = {
  summary: 'copy the database at one instant, verified, while others go on writing',
  example: 'orch db backup --to before-the-move.db',
  tables: anyTable,
  declare: (command: Command) =>
    void command
      .option('--to <file>', 'a new file, which is never pruned (default: one of the kept backups)')
      .option('--list', 'show the kept backups and take none'),
  run: async (invocation) => {
    const z = await import('zod')
    const schema = z.object({ to: z.string().min(1, 'expected a file').optional(), list: z.boolean().optional() })
    const { to, list } = parseOptions(schema, invocation.options)
    await (list === true ? listKept(invocation) : takeBackup(invocation, to))
  },
}

async function takeBackup({ context, io, signal }: Invocation, to: string | undefined): Promise<void> {
  const { url } = await context.databaseAddress()
  if (!(await context.databaseExists()) || url === ':memory:') {
    throw new OrchError('ORCH_NOT_FOUND', `There is no database at ${url} to back up`, {
      hint: 'Name one with --db, or create one with `orch init`',
    })
  }
  const [{ addressOf, backUp }, { migrations }] = await Promise.all([
    import('../../../database/backup/back-up.ts'),
    import('../../../../migrations/index.ts'),
  ])
  const { clock, random, version: toolVersion, env } = context
  const place = to === undefined ? await context.backupPlace() : { file: resolve(context.cwd, to) }
  const options = { url, schema: env['ORCH_DB_SCHEMA'], migrations, clock, random, toolVersion, place, signal }
  const backup = await backUp({ ...options, reason: 'manual', onProgress: tellProgress(io, 'copied') })
  warnLeftOut(io, backup)
  const data = { database: addressOf(url), ...backupData(backup) }
  io.result('db.backup', data, () => {
    const rows = [...backup.rows.values()].reduce((sum, count) => sum + count, 0)
    const what = `${sizeText(backup.bytes)}, ${backup.rows.size} tables, ${rows} rows, read back and compared`
    return plain(`${plainLine(backup.path)}: ${what}.\nBring it back with: orch db restore ${plainLine(backup.path)}`)
  })
}

async function listKept({ context, io }: Invocation): Promise<void> {
  const [{ listBackups }, { addressOf }, { table }] = await Promise.all([
    import('../../../database/backup/backup-directory.ts'),
    import('../../../database/backup/back-up.ts'),
    import('../../render/table.ts'),
  ])
  const { directory, keep } = await context.backupPlace()
  const found = await listBackups(directory)
  const { url } = await context.databaseAddress()
  const data = { database: addressOf(url), directory, keep, backups: found.map(storedData) }
  io.result('db.backup', data, () => {
    if (found.length === 0) return plain(`No backups in ${directory} yet.`)
    const rows = found.map(({ name, tag, bytes }) => [
      iso(tag.takenAt) ?? '',
      tag.reason,
      tag.version,
      tag.migration,
      sizeText(bytes),
      name,
    ])
    return plain(
      `${table(['taken', 'why', 'of orch', 'migration', 'size', 'name'], rows)}\n${found.length} in ${directory}.`,
    )
  })
}
