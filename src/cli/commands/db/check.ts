import { anyTable } from '../../../doctor/table-use.ts'
import type { DatabaseCheck, Finding, FindingKind } from '../../../database/migration/check-database.ts'
import { exitCodes, type ExitName } from '../../../errors/exit-code.ts'
import type { CommandModule } from '../../command.ts'
import { plain } from '../../render/plain.ts'
import { withReading } from './reading.ts'

/** What each kind of finding makes of the exit code. */
const exitOf: Readonly<Record<FindingKind, ExitName>> = {
  damaged: 'database',
  invalid_index: 'migrationIncomplete',
  missing: 'migrationDrift',
  edited: 'migrationDrift',
  conflict: 'migrationDrift',
  newer: 'migrationDrift',
  unknown: 'migrationDrift',
  pending: 'migrationsPending',
  orphans: 'conflict',
}

/** The most severe first: it is the one that ends the command. */
const severity: readonly ExitName[] = [
  'database',
  'migrationIncomplete',
  'migrationDrift',
  'migrationsPending',
  'conflict',
]

export const command: CommandModule = {
  summary: 'find what is pending, drifted, in conflict, damaged or orphaned; changes nothing',
  example: 'orch db check --json',
  tables: anyTable,
  run: async ({ context, io }) => {
    const { checkDatabase } = await import('../../../database/migration/check-database.ts')
    const { migrations } = await import('../../../../migrations/index.ts')
    const { table } = await import('../../render/table.ts')
    return withReading(context, async (reading) => {
      const check = await checkDatabase(reading.database, migrations)
      const exit = exitOfAll(check.findings)
      const data = {
        database: reading.address,
        exists: reading.exists,
        findings: check.findings.map((finding) => ({ ...finding, exitCode: exitCodes[exitOf[finding.kind]].code })),
        relationsChecked: check.relationsChecked,
        lockHolder: check.lockHolder,
        exitCode: exitCodes[exit].code,
      }
      io.result('db.check', data, () => {
        const rows = check.findings.map(({ kind, message, next }) => [kind.replace('_', ' '), message, next])
        const list = rows.length === 0 ? '' : `${table(['finding', 'what', 'next'], rows)}\n`
        return plain(`${list}${summary(check, reading.address)}`)
      })
      return exit
    })
  },
}

function exitOfAll(findings: readonly Finding[]): ExitName {
  const found = new Set(findings.map(({ kind }) => exitOf[kind]))
  return severity.find((exit) => found.has(exit)) ?? 'done'
}

function summary({ findings, relationsChecked, lockHolder }: DatabaseCheck, address: string): string {
  const lock = lockHolder === null ? '' : ` Being migrated at this moment by ${lockHolder}.`
  if (findings.length === 0)
    return `${address}: nothing wrong; ${relationsChecked} relations between tables hold.${lock}`
  return `${address}: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}.${lock}`
}
