/** How the verbs of `orch providers` show a provider. */
import type { Context } from '../../../context.ts'
import { describeSource } from '../../../providers/credential.ts'
import type { EditDeps } from '../../../providers/edit-provider.ts'
import type { ProviderManager } from '../../../providers/provider-manager.ts'
import type { Provider } from '../../../providers/provider.ts'
import type { Io } from '../../io.ts'
import { iso } from '../../render/json.ts'

export interface ProviderView extends Provider {
  /** Where the key comes from, in words; null where none is used. */
  readonly keySource: string | null
  /** Why it cannot be called; null if nothing is known. */
  readonly problem: string | null
  readonly cooldownUntil: string | null
  readonly cooldownReason: string | null
}

/** A provider with the state of its key and of its own cooldown. */
export async function viewOf(
  context: Pick<Context, 'providers' | 'health'>,
  provider: Provider,
): Promise<ProviderView> {
  const [manager, health] = await Promise.all([context.providers(), context.health()])
  const until = await health.cooldownUntil(provider.id, '')
  const own = (await health.list(provider.id)).find(({ modelId }) => modelId === '')
  return {
    ...provider,
    keySource: provider.credential === null ? null : await credentialOf(manager, provider.credential),
    problem: await manager.problem(provider),
    cooldownUntil: iso(until),
    cooldownReason: until === null ? null : (own?.reason ?? null),
  }
}

async function credentialOf(manager: ProviderManager, name: string): Promise<string | null> {
  const credential = await manager.credentials.get(name).catch(() => null)
  return credential === null ? null : describeSource(credential.source)
}

/** One word or reason for the state column. */
export function stateText(view: ProviderView): string {
  if (!view.enabled) return 'disabled'
  if (view.problem !== null) return view.problem
  return view.cooldownUntil === null ? 'ready' : `cooling down until ${view.cooldownUntil}`
}

/** What changing providers needs of the context. */
export async function editDeps(context: Context): Promise<EditDeps> {
  const { clock, database, tables, databaseIsTrusted } = context
  return { clock, database, tables, databaseIsTrusted, providers: await context.providers() }
}

/** Says once what is off without the table of providers. */
export async function warnAboutStored({ context, io }: { readonly context: Context; readonly io: Io }): Promise<void> {
  const tables = await context.tables()
  if (!(await tables.has('provider_config'))) {
    io.warn(
      'The table provider_config is missing: only providers that are found by themselves are shown',
      'Create it with `orch db migrate`',
    )
  }
}
