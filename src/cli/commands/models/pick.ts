import type { Choice } from '../../../models/model.ts'
import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'which model a role would get now, and why',
  example: 'orch models pick engineer --explain',
  tables: {
    needs: [],
    uses: ['provider_config', 'provider_health', 'orchestrator_config', 'model_registry', 'roles'],
  },
  declare: (command) =>
    void command
      .argument('<role>', 'role, as `orch roles list` names it')
      .option('--needs <list>', 'what the job needs besides: tools, structured_output, vision, reasoning, long_context')
      .option('--min-context <tokens>', 'context the job needs')
      .option('--explain', 'every other model too: its rank, or why it is out'),
  run: async (invocation) => {
    const { context, io, options, signal } = invocation
    const [{ readPickFlags }, { choiceDocument, choiceText }, { warnNoProvider, warnUnstoredModels }] =
      await Promise.all([import('./pick-flags.ts'), import('../../render/choice.ts'), import('./model-warnings.ts')])
    const { needs, minimumContextTokens } = readPickFlags(options)
    const role = textArgument(invocation, 0)
    await warnUnstoredModels(context, io)
    const choose = await context.modelChooser()
    const choice: Choice = await choose({ role, needs, pin: null, minimumContextTokens, signal })
    if (choice.chain.length + choice.excluded.length === 0) await warnNoProvider(io)
    const explain = options['explain'] === true
    io.result('models.pick', choiceDocument(role, choice), () =>
      choiceText(choice, { explain, width: io.streams.stdout.columns, paintHead: io.colors.bold }),
    )
    return choice.chain.length === 0 ? 'configuration' : 'done'
  },
}
