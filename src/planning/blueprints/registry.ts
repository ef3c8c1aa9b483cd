import { closestWord } from '../../domain/closest-word.ts'
import { OrchError } from '../../errors/orch-error.ts'
import type { Blueprint } from './blueprint.ts'
import { cliTool } from './cli-tool.ts'
import { repoReport } from './repo-report.ts'
import { restApi } from './rest-api.ts'

/** Every blueprint, in the order in which help lists them. */
export const blueprints: readonly Blueprint[] = [repoReport, restApi, cliTool]

/** The blueprint with the name. Throws ORCH_USAGE with a suggestion and the names there are. */
export function findBlueprint(name: string): Blueprint {
  const blueprint = blueprints.find((one) => one.name === name)
  if (blueprint !== undefined) return blueprint
  const names = blueprints.map((one) => one.name)
  const near = closestWord(name, names)
  throw new OrchError('ORCH_USAGE', `There is no blueprint ${name}`, {
    hint: near === null ? `Blueprints: ${names.join(', ')}` : `Did you mean ${near}? Blueprints: ${names.join(', ')}`,
  })
}
