import type { DatabaseStatus, MigrationStatus } from '../../../database/migration/migration-status.ts'
import type { CommandModule } from '../../command.ts'
import { iso } from '../../render/json.ts'
import { plain } from '../../render/plain.ts'

export const command: CommandModule = {
  summary: 'show what is applied, adopted, pending, missing, drifted or unknown',
  example: 'orch db status --json',
  run: async ({ context, io }) => {
    const { openForReading } = await import('../../../database/migration/open-for-reading.ts')
    const { hasDrift, migrationStatus } = await import('../../../database/migration/migration-status.ts')
    const { migrations } = await import('../../../../migrations/index.ts')
    const { table } = await import('../../render/table.ts')
    const { url } = await context.databaseAddress()
    const schema = context.env['ORCH_DB_SCHEMA']
    const { clock, random } = context
    const reading = await openForReading(url, { clock, random, ...(schema === undefined ? {} : { schema }) })
    try {
      const status = await migrationStatus(reading.database, migrations)
      const data = {
        database: reading.address,
        exists: reading.exists,
        ledgerProblems: status.ledgerProblems,
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
    } finally {
      await reading.close()
    }
  },
}

function summary({ migrations, ledgerProblems }: DatabaseStatus, address: string): string {
  const states = new Map<MigrationStatus['state'], number>()
  for (const { state } of migrations) states.set(state, (states.get(state) ?? 0) + 1)
  const counts = [...states].map(([state, amount]) => `${amount} ${state}`).join(', ')
  const open = migrations.some(({ state }) => state === 'pending' || state === 'missing')
  const next = open ? ' Next: orch db migrate --dry-run, then orch db migrate.' : ''
  return [`${address}: ${counts}.${next}`, ...ledgerProblems].join('\n')
}
