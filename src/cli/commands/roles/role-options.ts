import type { Command } from 'commander'
import { modelNeeds } from '../../../domain/plan.ts'
import { grantableTools } from '../../../domain/tool-name.ts'

/** Declares what `roles add` and `roles edit` can set. */
export function declareRoleFlags(command: Command): void {
  command
    .option('--title <text>', 'name for people')
    .option('--prompt-file <file>', 'text that heads every prompt of the role')
    .option('--needs <list>', `what its model must offer: ${modelNeeds.join(', ')}; "" for nothing`)
    .option('--tools <list>', `tools it grants: ${grantableTools.join(', ')}; "" for none`)
    .option('--reports-to <role>', 'the role above it; "" for nobody')
    .option('--deny <json>', 'argv prefix it may not run, for example ["npm","publish"]; repeatable', collect)
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}
