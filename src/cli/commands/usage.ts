import { usageGroupings, type UsageGrouping } from '../../domain/usage.ts'
import { OrchError } from '../../errors/orch-error.ts'
import type { CommandModule } from '../command.ts'

export const command: CommandModule = {
  summary: 'tokens and money, by project, role, model, provider or day',
  example: 'orch usage --by model --since 7d',
  tables: { needs: ['model_usage'], uses: ['projects'] },
  declare: (command) =>
    void command
      .option('--by <what>', `what to sum up: ${usageGroupings.join(', ')}`, 'project')
      .option('--since <when>', 'a duration back (8h, 7d) or a date (2026-11-01, UTC); everything by default'),
  run: async ({ context, io, options }) => {
    const [{ reportUsage }, { usageDocument, usageText }] = await Promise.all([
      import('../../usage/usage-report.ts'),
      import('../render/usage.ts'),
    ])
    const question = await readQuestion(options, context.clock.now())
    const tables = await context.tables()
    if (!(await tables.has('model_usage'))) {
      io.warn('There is no table model_usage: nothing is accounted for', 'Create it with `orch db migrate`')
    }
    const report = await reportUsage({ database: await context.database(), tables }, question)
    io.result('usage', usageDocument(report), () =>
      usageText(report, { width: io.streams.stdout.columns, paintHead: io.colors.bold }),
    )
  },
}

async function readQuestion(options: Readonly<Record<string, unknown>>, nowMs: number) {
  const { parseSince } = await import('../../domain/since.ts')
  const by = options['by'] as UsageGrouping
  if (!usageGroupings.includes(by)) {
    throw new OrchError('ORCH_USAGE', `--by: expected ${usageGroupings.join(', ')}, found ${JSON.stringify(by)}`)
  }
  const since = options['since']
  const sinceMs = typeof since === 'string' ? parseSince(since, nowMs) : null
  if (since !== undefined && sinceMs === null) {
    throw new OrchError('ORCH_USAGE', `--since: expected a duration or a date, found ${JSON.stringify(since)}`, {
      hint: 'For example --since 8h, --since 7d, --since 2026-11-01',
    })
  }
  return { by, sinceMs }
}
