import { readinessTables } from '../../../doctor/table-use.ts'
import type { CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: 'run jobs in the foreground: claim, execute, verify, retry',
  example: 'orch jobs run --project todo-api --until-idle',
  tables: {
    needs: ['projects', 'jobs', 'job_dependencies', 'attempts'],
    uses: [...readinessTables, 'model_registry', 'tasks', 'errands', 'job_events'],
    needsWith: { '--rehearse': ['projects', 'jobs', 'job_dependencies'] },
  },
  handlesSignals: true,
  declare: (command) => {
    command
      .option('--project <project>', 'only jobs of this project')
      .option('--concurrency <number>', 'jobs at once (default: limits.concurrency)')
      .option('--until-idle', 'end when nothing runs and nothing can start soon')
      .option('--max-wait <duration>', 'what "soon" is for --until-idle (default: 15m)')
      .option('--grace <duration>', 'stop what still runs so long after the first signal (default: wait for it)')
      .option('--dry-run', 'show the order and the reason of each start and wait; starts, calls and writes nothing')
      .option('--allow-unpriced', 'call models of unknown price although a budget applies')
      .option('--rehearse', 'on a scratch copy with simulated work: nothing real changes')
      .option('--seed <number>', 'of a rehearsal: the same one gives the same run (default: 1)')
      .option('--latency <duration>', 'of a rehearsal: time of one simulated step (default: 50ms)')
      .option('--failure-rate <share>', 'of a rehearsal: share of attempts that fail, 0 to 1 (default: 0)')
      .option('--keep', 'of a rehearsal: keep the scratch database and name it')
  },
  run: async ({ context, io, options }) => {
    const { parseRunOptions } = await import('./run-options.ts')
    const parsed = parseRunOptions(options)
    if (parsed.dryRun) {
      const { showForecast } = await import('./run-forecast.ts')
      return showForecast(context, io, parsed)
    }
    const { runScheduler } = await import('./run-scheduler.ts')
    return runScheduler({ context, io }, { ...parsed, allowRehearsal: false })
  },
}
