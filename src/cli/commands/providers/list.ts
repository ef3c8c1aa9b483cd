import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'every provider: stored, named by the environment, or found on this machine',
  example: 'orch providers list',
  tables: { needs: [], uses: ['provider_config', 'provider_health'] },
  run: async (invocation) => {
    const { context, io } = invocation
    const { viewOf, stateText, warnAboutStored } = await import('./provider-view.ts')
    const { originText } = await import('../../../providers/edit-provider.ts')
    const { waysToAdd } = await import('../../../providers/provider-manager.ts')
    const { table } = await import('../../render/table.ts')
    const manager = await context.providers()
    const views = await Promise.all((await manager.list()).map((provider) => viewOf(context, provider)))
    await warnAboutStored(invocation)
    io.result('providers.list', views, () => {
      if (views.length === 0) return `No provider yet. ${waysToAdd}`
      const rows = views.map((view) => [
        view.id,
        view.kind,
        view.baseUrl,
        view.keySource ?? (view.credential === null ? 'none' : view.credential),
        originText[view.origin],
        stateText(view),
      ])
      return table(['ID', 'KIND', 'ADDRESS', 'KEY', 'FROM', 'STATE'], rows)
    })
  },
}
