import type { SyncReport } from '../../../models/model-registry.ts'
import type { Invocation, CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: "read each provider's own list of models and keep it",
  example: 'orch models sync openai',
  tables: { needs: [], uses: ['provider_config', 'model_registry'] },
  declare: (command) => void command.argument('[providers...]', 'providers to ask; every usable one by default'),
  run: async (invocation) => {
    const { context, io } = invocation
    const { warnUnstoredModels } = await import('./model-warnings.ts')
    await warnUnstoredModels(context, io)
    const { reports, failed } = await syncAll(invocation)
    const data = reports.map(({ provider, ...report }) => ({ provider: provider.id, ...report }))
    io.result('models.sync', { providers: data, failed }, () => reportText(reports))
    return failed.length > 0 && reports.length === 0 ? 'provider' : 'done'
  },
}

async function syncAll({ context, io, args, signal }: Invocation) {
  const { errorMessage, OrchError } = await import('../../../errors/orch-error.ts')
  const providers = await context.providers()
  const named = Array.isArray(args[0]) ? (args[0] as readonly string[]) : []
  const chosen = named.length === 0 ? await providers.usable() : await Promise.all(named.map((id) => providers.get(id)))
  if (chosen.length === 0) {
    const { waysToAdd } = await import('../../../providers/provider-manager.ts')
    throw new OrchError('ORCH_NO_PROVIDER', 'There is no usable provider whose models could be listed', {
      hint: waysToAdd,
    })
  }
  const registry = await context.models()
  const reports: SyncReport[] = []
  const failed: { readonly provider: string; readonly message: string }[] = []
  for (const provider of chosen) {
    io.progress(`Asking ${provider.id} for its models`)
    try {
      reports.push(await registry.sync(provider, signal))
    } catch (error) {
      // One dead provider must not keep the others from being read; anything but a provider's failure is one of ours.
      if (!(error instanceof OrchError)) throw error
      failed.push({ provider: provider.id, message: errorMessage(error) })
      io.warn(`${provider.id}: ${errorMessage(error)}`, error.hint)
    }
  }
  return { reports, failed }
}

function reportText(reports: readonly SyncReport[]): string {
  return reports
    .map(({ provider, stored, listed, added, returned, vanished }) => {
      const changes = [
        [added.length, 'new'],
        [returned.length, 'back again'],
        [vanished.length, 'vanished'],
      ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]))
      const kept = stored ? changes.join(', ') || 'nothing changed' : 'not stored'
      return `${provider.id}: ${listed} models, ${kept}`
    })
    .join('\n')
}
