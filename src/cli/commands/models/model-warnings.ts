import type { Context } from '../../../context.ts'
import type { ListingFailure } from '../../../models/model-registry.ts'
import type { Io } from '../../io.ts'

/** Says once why models are not stored without their table. */
export async function warnUnstoredModels(context: Context, io: Io): Promise<void> {
  if (!(await (await context.tables()).has('model_registry'))) {
    io.warn(
      'There is no table model_registry: models are listed by their providers now, and nothing is stored',
      'Create it with `orch db migrate`',
    )
  }
}

/** Names the ways to a model where there is no provider at all. */
export async function warnNoProvider(io: Io): Promise<void> {
  const { waysToAdd } = await import('../../../providers/provider-manager.ts')
  io.warn('There is no provider, so there are no models', waysToAdd)
}

/** Names the providers whose models could not be listed. */
export function warnFailures(failures: readonly ListingFailure[], io: Io): void {
  for (const { provider, message } of failures) {
    io.warn(`The models of ${provider.id} cannot be listed: ${message}`, `See \`orch providers test ${provider.id}\``)
  }
}
