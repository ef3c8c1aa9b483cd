import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'one provider with its limits, its key source and its health',
  example: 'orch providers show openai',
  tables: { needs: [], uses: ['provider_config', 'provider_health'] },
  declare: (command) => void command.argument('<id>', 'provider'),
  run: async (invocation) => {
    const { context, io } = invocation
    const { viewOf, stateText, warnAboutStored } = await import('./provider-view.ts')
    const { originText } = await import('../../../providers/edit-provider.ts')
    const { iso } = await import('../../render/json.ts')
    const { plain, plainLine } = await import('../../render/plain.ts')
    const manager = await context.providers()
    const provider = await manager.get(textArgument(invocation, 0))
    const health = await (await context.health()).list(provider.id)
    const view = await viewOf(context, provider)
    await warnAboutStored(invocation)
    const models = health.map(({ modelId, state, errorClass, reason, cooldownUntil, failures }) => ({
      modelId: modelId === '' ? null : modelId,
      state,
      errorClass,
      reason,
      cooldownUntil: iso(cooldownUntil),
      failures,
    }))
    io.result('providers.show', { ...view, health: models }, () =>
      plain(
        [
          `${view.id}  ${plainLine(view.label)}`,
          `kind         ${view.kind}`,
          `address      ${view.baseUrl}${view.local ? ' (this machine)' : ''}`,
          `from         ${originText[view.origin]}`,
          `key          ${view.keySource ?? view.credential ?? 'none'}`,
          `limits       ${limitsText(view)}`,
          `state        ${stateText(view)}`,
          ...models.map((model) => `health       ${healthText(model)}`),
        ].join('\n'),
      ),
    )
  },
}

interface Limits {
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly maxConcurrency: number | null
}

function limitsText({ requestsPerMinute, tokensPerMinute, maxConcurrency }: Limits): string {
  const parts = [
    requestsPerMinute === null ? null : `${requestsPerMinute} requests/min`,
    tokensPerMinute === null ? null : `${tokensPerMinute} tokens/min`,
    maxConcurrency === null ? null : `${maxConcurrency} at once`,
  ].filter((part) => part !== null)
  return parts.join(', ') || 'none set'
}

function healthText(model: {
  readonly modelId: string | null
  readonly state: string
  readonly errorClass: string | null
  readonly failures: number
  readonly cooldownUntil: string | null
}): string {
  const until = model.cooldownUntil === null ? '' : ` until ${model.cooldownUntil}`
  return `${model.modelId ?? 'whole provider'}: ${model.state}${until}, ${model.failures} failures in a row (${model.errorClass ?? 'none'})`
}
