import { graphFormats, type GraphFormat } from '../../../planning/graph-text.ts'
import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'the dependencies as a graph, for Mermaid or Graphviz',
  example: 'orch project graph todo-api --format dot | dot -Tsvg > plan.svg',
  tables: { needs: ['projects', 'jobs'], uses: ['model_usage'] },
  declare: (command) =>
    void command
      .argument('<project>', 'slug of the project')
      .option('--format <format>', `${graphFormats.join(' or ')}`, 'mermaid'),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const format = await readFormat(options['format'])
    const [{ graphText }, { describedTables, describeProject }, { warnMissing }, { plain }] = await Promise.all([
      import('../../../planning/graph-text.ts'),
      import('../../../planning/describe-project.ts'),
      import('../jobs/jobs-context.ts'),
      import('../../render/plain.ts'),
    ])
    const tables = await context.tables()
    const missing = await tables.missing(describedTables)
    if (warnMissing(io, missing, 'there is no project to draw')) return io.result('project.graph', null, () => '')
    const { plan } = await describeProject({ database: await context.database(), tables }, textArgument(invocation, 0))
    const text = graphText(plan, format)
    const edges = plan.jobs.flatMap((job) => job.dependsOn.map((from) => ({ from, to: job.key })))
    io.result('project.graph', { slug: plan.project, format, text, edges }, () => plain(text))
  },
}

async function readFormat(value: unknown): Promise<GraphFormat> {
  const format = graphFormats.find((known) => known === value)
  if (format !== undefined) return format
  const { OrchError } = await import('../../../errors/orch-error.ts')
  throw new OrchError('ORCH_USAGE', `--format: expected ${graphFormats.join(' or ')}, found ${JSON.stringify(value)}`)
}
