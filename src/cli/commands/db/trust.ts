import { noTables } from '../../../doctor/table-use.ts'
import type { Command } from 'commander'
import type { CommandModule } from '../../command.ts'
import { plainLine } from '../../render/plain.ts'

export const command: CommandModule = {
  summary: 'trust this database on this machine: its approvals and providers count from now on',
  example: 'orch db trust',
  tables: noTables,
  declare: (command: Command) => void command.option('--list', 'show what is trusted and change nothing'),
  run: async ({ context, io, options }) => {
    if (options['list'] === true) {
      const trusted = context.trust.list()
      io.result('db.trust', { trusted }, () => trusted.map(plainLine).join('\n') || 'No database is trusted yet.')
      return
    }
    const { address } = await existingDatabase(context)
    const was = context.trust.isTrusted(address)
    context.trust.trust(address)
    io.result('db.trust', { database: address, trusted: true, changed: !was }, () =>
      plainLine(was ? `${address} was trusted already.` : `${address} is trusted on this machine.`),
    )
  },
}

/** A stand-in in memory must not be trusted in place of a file that does not exist. */
async function existingDatabase(context: Parameters<CommandModule['run']>[0]['context']) {
  const database = await context.database()
  const { url } = await context.databaseAddress()
  if (database.address !== ':memory:' || url === ':memory:') return database
  const { OrchError } = await import('../../../errors/orch-error.ts')
  throw new OrchError('ORCH_NOT_FOUND', `There is no database at ${url} to trust`, {
    hint: 'Create one with `orch init` or `orch db migrate`; what you create is trusted',
  })
}
