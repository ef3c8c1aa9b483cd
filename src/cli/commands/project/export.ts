import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'the stored plan as YAML, to edit and apply',
  example: 'orch project export todo-api --out plan.yaml',
  tables: { needs: ['projects', 'jobs'], uses: ['model_usage'] },
  declare: (command) =>
    void command.argument('<project>', 'slug of the project').option('--out <file>', 'write to a new file instead'),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const [{ describedTables, describeProject }, { serializePlan, toPlanDocument }, { warnMissing }, { plain }] =
      await Promise.all([
        import('../../../planning/describe-project.ts'),
        import('../../../planning/plan-file.ts'),
        import('../jobs/jobs-context.ts'),
        import('../../render/plain.ts'),
      ])
    const tables = await context.tables()
    const missing = await tables.missing(describedTables)
    if (warnMissing(io, missing, 'there is no project to export')) return io.result('project.export', null, () => '')
    const { plan } = await describeProject({ database: await context.database(), tables }, textArgument(invocation, 0))
    const yaml = serializePlan(plan)
    const file = typeof options['out'] === 'string' ? await writeNewFile(context.cwd, options['out'], yaml) : null
    io.result('project.export', { slug: plan.project, file, plan: toPlanDocument(plan) }, () => {
      // YAML escapes control characters itself; a pipe gets the exact text, so that it can be applied again.
      if (file === null) return io.isTerminal ? plain(yaml) : yaml
      return plain(`Written to ${file}. After editing: orch project apply ${file}`)
    })
  },
}

async function writeNewFile(cwd: string, name: string, text: string): Promise<string> {
  const [{ writeFile }, { resolve }, { OrchError, errorMessage, systemErrorCode }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
    import('../../../errors/orch-error.ts'),
  ])
  const path = resolve(cwd, name)
  try {
    await writeFile(path, text, { flag: 'wx' })
    return path
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') {
      throw new OrchError('ORCH_CONFLICT', `--out ${name} exists already`, {
        hint: 'Name a file that does not exist yet',
      })
    }
    throw new OrchError('ORCH_FILE_UNREADABLE', `--out ${name} cannot be written: ${errorMessage(error)}`, {
      cause: error,
    })
  }
}
