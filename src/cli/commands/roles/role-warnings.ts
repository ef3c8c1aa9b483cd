import type { Context } from '../../../context.ts'
import type { Io } from '../../io.ts'

/** Says once what is off without the table of roles. */
export async function warnUnstoredRoles(context: Context, io: Io): Promise<void> {
  if (!(await (await context.tables()).has('roles'))) {
    io.warn(
      'There is no table roles: only the built-in roles exist, and none can be changed',
      'Create it with `orch db migrate`',
    )
  }
}
