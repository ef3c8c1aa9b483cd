import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'make one cheap real call and say how it went',
  example: 'orch providers test openai',
  tables: {
    needs: [],
    uses: ['provider_config', 'provider_health', 'model_usage', 'reservations', 'projects', 'jobs'],
  },
  declare: (command) =>
    void command
      .argument('<id>', 'provider')
      .option('--model <id>', 'model to ask; without it the cheapest that the provider lists'),
  run: async (invocation) => {
    const { context, io, options, signal } = invocation
    const { testProvider } = await import('../../../calls/test-provider.ts')
    const { money } = await import('../../render/json.ts')
    const { formatMicroUsd } = await import('../../../domain/money.ts')
    const { plainLine } = await import('../../render/plain.ts')
    const [manager, health, database, tables] = await Promise.all([
      context.providers(),
      context.health(),
      context.database(),
      context.tables(),
    ])
    const provider = await manager.get(textArgument(invocation, 0))
    const modelId = typeof options['model'] === 'string' ? options['model'] : undefined
    const warnOnce = (_key: string, message: string) => io.warn(message)
    const deps = { clock: context.clock, ids: context.ids, database, tables, warnOnce, providers: manager }
    try {
      const { costMicroUsd, ...found } = await testProvider(deps, provider, { modelId, signal })
      await health.recordSuccess(provider.id, found.modelId)
      const data = {
        id: provider.id,
        ok: true,
        simulated: provider.kind === 'rehearsal',
        ...found,
        cost: money(costMicroUsd),
      }
      io.result('providers.test', data, () =>
        plainLine(
          `${provider.id} works: ${found.modelCount} models listed in ${found.listLatencyMs} ms; ` +
            `${found.modelId} answered in ${found.latencyMs} ms for ${formatMicroUsd(costMicroUsd)}` +
            (data.simulated ? ' (simulated)' : ''),
        ),
      )
    } catch (error) {
      throw await withClass(error)
    }
  },
}

/** The same failure with its class in front, which is what a script and a person look for. */
async function withClass(error: unknown): Promise<unknown> {
  const { ProviderError } = await import('../../../providers/model-client.ts')
  if (!(error instanceof ProviderError)) return error
  const { errorClass, providerId, status, retryAfterMs, hint } = error
  return new ProviderError(`class ${errorClass}: ${error.message}`, {
    errorClass,
    providerId,
    status,
    retryAfterMs,
    hint,
  })
}
