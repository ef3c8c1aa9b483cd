import { anyTable } from '../../../doctor/table-use.ts'
import type { DatabaseStatus, MigrationStatus } from '../../../database/migration/migration-status.ts'
import type { CommandModule } from '../../command.ts'
import { iso } from '../../render/json.ts'
import { plain } from '../../render/plain.ts'
import { withReading } from './reading.ts'

export const command: CommandModule = {
  summary: 'show what is applied, adopted, pending, missing, drifted or unknown',
  example: 'orch db status --json',
  tables: anyTable,
  run: async ({ context, io }) => {
    const { hasDrift, migrationStatus } = await import('../../../database/migration/migration-status.ts')
    const { migrations } = await import('../../../../migrations/index.ts')
    const { table } = await import('../../render/table.ts')
    return withReading(context, async (reading) => {
      const status = await migrationStatus(reading.database, migrations)
      const data = {
        database: reading.address,
        exists: reading.exists,
        ledgerProblems: status.ledgerProblems,
        lockHolder: status.lockHolder,
        migrations: status.migrations.map((one) => ({ ...one, appliedAt: iso(one.appliedAt) })),
      }
      io.result('db.status', data, () => {
        const rows = status.migrations.map((one) => [
          one.name,
          one.state,
          iso(one.appliedAt) ?? '',
          one.notes.join('; '),
        ])
        return plain(`${table(['migration', 'state', 'since', 'note'], rows)}\n${summary(status, reading.address)}`)
      })
      return hasDrift(status) ? 'migrationDrift' : 'done'
    })
  },
}

function summary({ migrations, ledgerProblems, lockHolder }: DatabaseStatus, address: string): string {
  const states = new Map<MigrationStatus['state'], number>()
  for (const { state } of migrations) states.set(state, (states.get(state) ?? 0) + 1)
  const counts = [...states].map(([state, amount]) => `${amount} ${state}`).join(', ')
  const open = migrations.some(({ state }) => state === 'pending' || state === 'missing')
  const next = open ? ' Next: orch db migrate --dry-run, then orch db migrate.' : ''
  const lock = lockHolder === null ? [] : [`Being migrated at this moment by ${lockHolder}.`]
  return [`${address}: ${counts}.${next}`, ...ledgerProblems, ...lock].join('\n')
}
