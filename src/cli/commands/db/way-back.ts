import type { Context } from '../../../context.ts'
import { OrchError } from '../../../errors/orch-error.ts'
import { plainLine } from '../../render/plain.ts'

/** Does `work`; where it is refused because the database is past `to`, the refusal names the backup that leads back there. */
export async function withWayBack<T>(context: Context, to: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (to === undefined || !(error instanceof OrchError) || error.code !== 'ORCH_CONFLICT') throw error
    throw new OrchError(error.code, error.message, { hint: await wayBack(context, to), cause: error })
  }
}

/** The newest of the backups that hold the most migrations and none after `to`. */
async function wayBack(context: Context, to: string): Promise<string> {
  const { backupDirectoryOf, listBackups } = await import('../../../database/backup/backup-directory.ts')
  const { url } = await context.databaseAddress()
  // How many are kept is said in the database, which a dry run must not open: only the directory is needed.
  const directory = backupDirectoryOf({ url, schema: context.env['ORCH_DB_SCHEMA'], stateDir: context.paths.stateDir })
  const wanted = to.slice(0, 4)
  const [best] = (await listBackups(directory))
    .filter(({ tag }) => tag.migration !== '0000' && tag.migration <= wanted)
    .toSorted((a, b) => Number(b.tag.migration) - Number(a.tag.migration))
  if (best === undefined) return `No backup from before it is kept in ${plainLine(directory)}`
  return `Go back with: orch db restore ${plainLine(best.path)}`
}
