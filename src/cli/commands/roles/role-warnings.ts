import type { Context } from '../../../context.ts'
import type { Io } from '../../io.ts'

/** Says once why stored roles do not count: no table, or a database that is not trusted. */
export async function warnUnstoredRoles(context: Context, io: Io): Promise<void> {
  if (!(await (await context.tables()).has('roles'))) {
    io.warn(
      'There is no table roles: only the built-in roles exist, and none can be changed',
      'Create it with `orch db migrate`',
    )
  } else if (!(await context.databaseIsTrusted())) {
    io.warn(
      'You do not trust this database: its roles may not replace built-in ones, grant tools or pin models',
      'If it is yours, say `orch db trust`',
    )
  }
}
