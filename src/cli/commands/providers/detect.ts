import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'look for keys in the environment and for model servers on this machine',
  example: 'orch providers detect',
  tables: { needs: [], uses: ['provider_config'] },
  run: async (invocation) => {
    const { context, io, signal } = invocation
    const { detectProviders } = await import('../../../providers/detect-providers.ts')
    const { waysToAdd } = await import('../../../providers/provider-manager.ts')
    const { table } = await import('../../render/table.ts')
    const found = await detectProviders(await context.providers(), signal)
    io.result('providers.detect', found, () => {
      if (found.length === 0) return `Nothing found. ${waysToAdd}`
      const rows = found.map(({ id, kind, baseUrl, origin, models, problem }) => [
        id,
        kind,
        baseUrl,
        origin,
        problem ?? (models.length === 0 ? 'no models' : `${models.length}: ${models.slice(0, 5).join(', ')}`),
      ])
      return table(['ID', 'KIND', 'ADDRESS', 'FOUND BY', 'MODELS'], rows)
    })
  },
}
