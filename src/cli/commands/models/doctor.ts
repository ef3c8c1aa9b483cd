import type { ModelFinding } from '../../../doctor/model-doctor.ts'
import type { CommandModule } from '../../command.ts'
import { iso } from '../../render/json.ts'

export const command: CommandModule = {
  summary: 'values of models that are missing, cannot be right or are out of date; --fix heals them',
  example: 'orch models doctor --fix',
  tables: { needs: [], uses: ['provider_config', 'model_registry'] },
  declare: (command) =>
    void command
      .option('--provider <id>', 'models of one provider')
      .option('--fix', 'replace them by the next best source; what a person set stays'),
  run: async ({ context, io, options, signal }) => {
    const [{ ModelDoctor }, { readModelFilter }, { warnUnstoredModels }] = await Promise.all([
      import('../../../doctor/model-doctor.ts'),
      import('./model-filter.ts'),
      import('./model-warnings.ts'),
    ])
    const filter = readModelFilter({ provider: options['provider'] })
    await warnUnstoredModels(context, io)
    const doctor = new ModelDoctor(await context.models())
    const examination = await doctor.examine(filter, signal)
    const healed = options['fix'] === true ? await doctor.heal(examination) : 0
    const { examined, findings, cures } = examination
    const document = { examined, healable: cures.length, healed, findings: findings.map(findingDocument) }
    const { findingsText } = await import('../../render/model-findings.ts')
    io.result('models.doctor', document, () =>
      findingsText(document, findings, { width: io.streams.stdout.columns, paintHead: io.colors.bold }),
    )
  },
}

function findingDocument({ model, field, problem, reason, before, after }: ModelFinding) {
  const dated = (one: ModelFinding['before']) => (one === null ? null : { ...one, at: iso(one.at) })
  return { model: model.name, field, problem, reason, before: dated(before), after: dated(after) }
}
