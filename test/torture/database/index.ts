import { adoption, leastPrivilege } from './adoption.ts'
import { answers, onlyForward } from './answers.ts'
import { atomicity } from './atomicity.ts'
import { crash } from './crash.ts'
import { exactSql, faults } from './dry-run-plan.ts'
import { misspelt, noTrace, reader } from './dry-run-trace.ts'
import { guard } from './guard.ts'
import { ledger } from './ledger.ts'
import { migrationLock } from './migration-lock.ts'
import { races } from './races.ts'
import { survival } from './survival.ts'
import { ledgerCheck } from './check.ts'
import { degradation } from './degradation.ts'
import { tableRecovery } from './table-recovery.ts'
import type { DatabaseItem } from './item.ts'
import { liveBackup } from './live-backup.ts'
import { restoreDrill } from './restore-drill.ts'
import { transferItem } from './transfer.ts'

/** Every item of database safety, in the order of the list and so in the order in which they run. */
export const databaseItems: readonly DatabaseItem[] = [
  noTrace,
  reader,
  exactSql,
  faults,
  answers,
  misspelt,
  guard,
  survival,
  atomicity,
  crash,
  races,
  migrationLock,
  ledger,
  ledgerCheck,
  restoreDrill,
  liveBackup,
  adoption,
  leastPrivilege,
  degradation,
  tableRecovery,
  transferItem,
  onlyForward,
]

/** How many promises the list has; each must be some item's. */
export const promisesListed = 22
