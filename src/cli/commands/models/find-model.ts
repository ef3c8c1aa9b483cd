import type { Context } from '../../../context.ts'
import { closestWord } from '../../../domain/closest-word.ts'
import { OrchError } from '../../../errors/orch-error.ts'
import type { RegisteredModel } from '../../../models/describe-model.ts'

/** The model named `provider/model`. Throws ORCH_NOT_FOUND with the name that was probably meant. */
export async function findModel(context: Context, name: string, signal: AbortSignal): Promise<RegisteredModel> {
  const registry = await context.models()
  const model = await registry.get(name, signal)
  if (model !== null) return model
  const names = (await registry.list({}, signal)).map((one) => one.name)
  // People leave the provider out more often than they mistype.
  const meant = names.find((one) => one.endsWith(`/${name}`)) ?? closestWord(name, names)
  throw new OrchError('ORCH_NOT_FOUND', `There is no model ${name}`, {
    hint: meant === null ? 'Models are named provider/model: see `orch models list`' : `Did you mean ${meant}?`,
  })
}
