import { anyTable } from '../../../doctor/table-use.ts'
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Restored } from '../../../database/backup/restore.ts'
import type { Command } from 'commander'
import { OrchError } from '../../../errors/orch-error.ts'
import { parseOptions, textArgument, type CommandModule, type Invocation } from '../../command.ts'
import { iso } from '../../render/json.ts'
import { plain, plainLine } from '../../render/plain.ts'
import { backupData, tellProgress } from './backup-report.ts'

export const command: CommandModule = {
  summary: 'bring a backup back; what is there now is saved first',
  example: 'orch db restore before-the-move.db',
  tables: anyTable,
  declare: (command: Command) =>
    void command
      .argument('<backup>', 'a file, or the name of a kept backup (orch db backup --list)')
      .option('--lock-timeout <seconds>', 'how long to wait for others that have the database open (default: 5)'),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const z = await import('zod')
    const seconds = z.coerce.number('expected seconds').min(0, 'expected seconds from 0').max(86_400, 'at most a day')
    const { lockTimeout = 5 } = parseOptions(z.object({ lockTimeout: seconds.optional() }), options)
    const [{ addressOf }, { tagOf }] = await Promise.all([
      import('../../../database/backup/back-up.ts'),
      import('../../../database/backup/restore.ts'),
    ])
    const place = await context.backupPlace()
    const from = findBackup(textArgument(invocation, 0), { cwd: context.cwd, directory: place.directory })
    const database = addressOf((await context.databaseAddress()).url)
    if (!(await io.confirm(`Replace everything in ${plainLine(database)} by ${plainLine(basename(from))}?`))) return
    const restored = await restoreNow(invocation, { from, place, lockTimeoutMs: lockTimeout * 1000 })
    const tag = tagOf(from)
    const data = {
      database,
      from,
      takenAt: tag === null ? null : iso(tag.takenAt),
      safety: restored.safety === null ? null : backupData(restored.safety),
      aside: restored.aside,
      migrations: restored.migrations,
      tables: [...restored.rows].map(([name, rows]) => ({ name, rows })),
    }
    io.result('db.restore', data, () => reportText(restored, { database, from }))
  },
}

interface RestoreNow {
  readonly from: string
  readonly place: Awaited<ReturnType<Invocation['context']['backupPlace']>>
  readonly lockTimeoutMs: number
}

async function restoreNow({ context, io, signal }: Invocation, asked: RestoreNow): Promise<Restored> {
  const [{ restore }, { isAlive }, { migrations }] = await Promise.all([
    import('../../../database/backup/restore.ts'),
    import('../../../workspace/process-identity.ts'),
    import('../../../../migrations/index.ts'),
  ])
  // What this call opened itself must not keep the file.
  await context.close()
  const { url } = await context.databaseAddress()
  const { clock, random, version: toolVersion, env } = context
  const onProgress = tellProgress(io, 'restored')
  const parts = {
    url,
    schema: env['ORCH_DB_SCHEMA'],
    migrations,
    clock,
    random,
    toolVersion,
    isAlive,
    signal,
    onProgress,
  }
  return restore({ ...parts, ...asked })
}

/** A path, or a name in the directory of the kept backups. */
function findBackup(given: string, { cwd, directory }: { readonly cwd: string; readonly directory: string }): string {
  const found = [resolve(cwd, given), join(directory, basename(given))].find((path) => existsSync(path))
  if (found !== undefined) return found
  throw new OrchError('ORCH_NOT_FOUND', `There is no backup ${given}`, { hint: '`orch db backup --list` shows them' })
}

function reportText(
  restored: Restored,
  { database, from }: { readonly database: string; readonly from: string },
): string {
  const { safety, aside, rows, migrations } = restored
  const count = [...rows.values()].reduce((sum, one) => sum + one, 0)
  const before = [
    safety === null ? '' : `\nWhat was there before: orch db restore ${safety.path}`,
    aside === null ? '' : `\nWhat was there before is still there, as it was: ${aside}`,
  ]
  const at = migrations.at(-1) ?? 'before the first migration'
  return plain(
    `${database} holds what ${from} does: ${rows.size} tables, ${count} rows, as of ${at}.${before.join('')}`,
  )
}
