import { parseOptions, textArgument, type CommandModule } from '../../command.ts'
import { declareProviderFlags, parseProviderFlags } from './provider-flags.ts'

export const command: CommandModule = {
  summary: 'store a provider',
  example: 'orch providers add lab --kind openai-compatible --base-url http://127.0.0.1:8000/v1',
  tables: { needs: ['provider_config'], uses: ['provider_health'] },
  declare: (command) => {
    command
      .argument('<id>', 'name of your choice; the name of a kind implies --kind')
      .option(
        '--kind <kind>',
        'openai, anthropic, google, mistral, groq, openrouter, ollama, openai-compatible or rehearsal',
      )
      .option('--seed <n>', 'rehearsal only: seed of its randomness')
      .option('--latency <ms>', 'rehearsal only: time of each call')
      .option('--failure-rate <share>', 'rehearsal only: share of calls that fail, 0 to 1')
    declareProviderFlags(command)
  },
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { addProvider } = await import('../../../providers/edit-provider.ts')
    const { editDeps, viewOf } = await import('./provider-view.ts')
    const { plainLine } = await import('../../render/plain.ts')
    const id = textArgument(invocation, 0)
    const kind = await chosenKind(id, options)
    const wish = { ...(await parseProviderFlags(options)), kind, ...(await rehearsalWish(kind, options)) }
    const deps = await editDeps(context)
    const provider = await addProvider(deps, id, wish)
    const view = await viewOf(context, provider)
    if (provider.credential === null && !provider.local) {
      io.warn(`${id} has no key yet`, `Say where its key is: \`orch providers key ${id}\``)
    }
    if (view.problem !== null) io.warn(`${id} cannot be called now: ${view.problem}`)
    io.result('providers.add', view, () =>
      plainLine(`${id} stored: ${kind} at ${provider.baseUrl}. Try it: orch providers test ${id}`),
    )
  },
}

async function chosenKind(id: string, options: Readonly<Record<string, unknown>>) {
  const z = await import('zod')
  const { providerKinds } = await import('../../../providers/provider.ts')
  const isKind = (providerKinds as readonly string[]).includes(id)
  const error = `expected one of ${providerKinds.join(', ')}`
  const { kind } = parseOptions(z.object({ kind: z.enum(providerKinds, { error }) }), {
    kind: options['kind'] ?? (isKind ? id : undefined),
  })
  return kind
}

async function rehearsalWish(kind: string, options: Readonly<Record<string, unknown>>) {
  const z = await import('zod')
  const { rehearsalAddress } = await import('../../../providers/rehearsal-settings.ts')
  const { OrchError } = await import('../../../errors/orch-error.ts')
  const number = z.coerce.number({ error: 'expected a number' }).min(0, 'expected 0 or more')
  const { seed, latency, failureRate } = parseOptions(
    z.object({
      seed: number.int('expected a whole number').optional(),
      latency: number.optional(),
      failureRate: number.max(1, 'expected at most 1').optional(),
    }),
    options,
  )
  const given = {
    ...(seed !== undefined && { seed }),
    ...(latency !== undefined && { latencyMs: latency }),
    ...(failureRate !== undefined && { failureRate }),
  }
  if (kind === 'rehearsal') return { baseUrl: rehearsalAddress(given) }
  if (Object.keys(given).length === 0) return {}
  throw new OrchError('ORCH_USAGE', '--seed, --latency and --failure-rate belong to the kind rehearsal')
}
