import type { PlannedProject } from '../../../planning/plan-project.ts'
import type { CommandModule, Invocation } from '../../command.ts'
import type { PlanOptions } from './plan-options.ts'

export const command: CommandModule = {
  summary: 'turn a goal into a plan: jobs, dependencies, checks, estimate',
  example: 'orch project plan "A REST API for todo lists with tests" --context notes.md --budget 5',
  tables: {
    needs: [],
    uses: [
      'projects',
      'jobs',
      'job_dependencies',
      'tasks',
      'job_events',
      'provider_config',
      'provider_health',
      'orchestrator_config',
      'model_registry',
      'model_usage',
      'reservations',
      'roles',
    ],
  },
  declare: (command) =>
    void command
      .argument('[goal]', 'what to reach; not with --from')
      .option('--context <file...>', 'text files for the model to plan from')
      .option('--model <provider/model>', 'the model that plans')
      .option('--max-jobs <number>', 'at most so many jobs')
      .option('--budget <usd>', 'the most the project may spend')
      .option('--workspace <directory>', 'where the work happens; default: the directory that holds .orch')
      .option('--name <slug>', 'name of the project; default: from the goal')
      .option('--from <file>', 'take the plan from a file')
      .option('--blueprint <name>', 'take a maintained plan: repo-report, rest-api, cli-tool')
      .option('--out <file>', 'also write the plan to a new file')
      .option('--approve', 'approve the plan with this call')
      .option('--dry-run', 'show the plan and store nothing')
      .option('--allow-unpriced', 'let a model of unknown price plan although a budget applies'),
  run: async (invocation) => {
    const [{ readPlanOptions }, { runPlan }] = await Promise.all([import('./plan-options.ts'), import('./plan-run.ts')])
    const options = await readPlanOptions(invocation)
    const { planned, view } = await runPlan(invocation, options)
    const written = options.out === null ? null : await writePlan(options.out, planned)
    const { plannedData, plannedText, warnAbout } = await import('./planned-view.ts')
    warnAbout(invocation, planned)
    invocation.io.result('project.plan', plannedData(planned, view, written), () =>
      plannedText(invocation, planned, view),
    )
    if (planned.project === null) return sayPlace(invocation, planned, written)
    await settleApproval(invocation, options, planned)
  },
}

async function writePlan(path: string, { plan }: PlannedProject): Promise<string> {
  const [{ writeFile }, { serializePlan }, { OrchError, errorMessage }] = await Promise.all([
    import('node:fs/promises'),
    import('../../../planning/plan-file.ts'),
    import('../../../errors/orch-error.ts'),
  ])
  try {
    await writeFile(path, serializePlan(plan), { flag: 'wx' })
    return path
  } catch (error) {
    throw new OrchError('ORCH_FILE_UNREADABLE', `--out ${path} cannot be written: ${errorMessage(error)}`, {
      cause: error,
    })
  }
}

/** The warning about missing tables names the place and the next command already. */
function sayPlace({ io }: Invocation, { planPath, missingTables }: PlannedProject, written: string | null): void {
  const place = written ?? planPath
  if (place !== null && missingTables.length === 0)
    io.progress(`The plan is in ${place}. To store it: orch project apply ${place}`)
}

/** A terminal is asked; everywhere else the next command is named. */
async function settleApproval(
  { context, io }: Invocation,
  options: PlanOptions,
  planned: PlannedProject,
): Promise<void> {
  const { project } = planned
  if (project === null) return
  if (options.approve) return io.progress(`Approved. Next: orch jobs run --project ${project.slug}`)
  if (io.canAsk && (await io.confirm(`Approve ${project.slug}?`, '--approve'))) {
    const [{ approveProject }, { personName, storeDeps }] = await Promise.all([
      import('../../../planning/project-actions.ts'),
      import('./project-deps.ts'),
    ])
    const approval = { planHash: project.planHash, approvedBy: personName(context) }
    await approveProject(await storeDeps(context), project.slug, approval)
    return io.progress(`Approved. Next: orch jobs run --project ${project.slug}`)
  }
  io.progress(`Stored as a draft. Next: orch project approve ${project.slug}, then orch jobs run`)
}
