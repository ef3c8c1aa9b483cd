import { OrchError } from '../../errors/orch-error.ts'
import { filePath } from '../connection.ts'
import type { BackupOptions, WrittenBackup } from './back-up.ts'
import { differenceOf, verifyFile } from './file-content.ts'
import { snapshotFile } from './snapshot-file.ts'

/** Fills the draft with a copy of the file and proves it. Throws ORCH_BACKUP_FAILED when it does not hold the same. */
export async function backUpFile(draft: string, options: BackupOptions): Promise<WrittenBackup> {
  const original = await snapshotFile(filePath(options.url), draft, options)
  const copy = verifyFile(draft)
  const difference = differenceOf(original, copy)
  if (difference === null) return { ...copy, leftOut: [] }
  throw new OrchError('ORCH_BACKUP_FAILED', `The copy does not hold what was copied: ${difference}`, {
    hint: 'No backup was kept. Check the disk, then run the command again',
  })
}
