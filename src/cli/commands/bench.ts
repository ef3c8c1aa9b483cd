import { noTables } from '../../doctor/table-use.ts'
import type { CommandModule } from '../command.ts'

export const command: CommandModule = {
  summary: 'this machine and database: jobs per second, latencies; in a scratch area, removed afterwards',
  example: 'orch bench --jobs 2000 --concurrency 20',
  tables: noTables,
  declare: (command) => {
    command
      .option('--jobs <number>', 'jobs to run', '2000')
      .option('--concurrency <number>', 'jobs at once', '20')
      .option('--seed <number>', 'the same one gives the same jobs', '1')
  },
  run: async ({ context, io, options, signal }) => {
    const z = await import('zod')
    const { parseOptions } = await import('../command.ts')
    const count = (most: number) =>
      z.coerce.number('expected a whole number').int('expected a whole number').min(1).max(most)
    const shape = z.object({ jobs: count(100_000), concurrency: count(1000), seed: count(2 ** 31) })
    const parsed = parseOptions(shape, options)
    const [{ runBench }, { migrations }, view] = await Promise.all([
      import('../../scheduling/bench/run-bench.ts'),
      import('../../../migrations/index.ts'),
      import('../render/bench.ts'),
    ])
    const { clock, random, ids, version } = context
    const { url } = await context.databaseAddress()
    const report = await runBench(
      { clock, random, ids, migrations, toolVersion: version, url, signal, onProgress: io.progress },
      parsed,
    )
    if (report === null) return
    view.warnOfLeftovers(io, report)
    io.result('bench', view.benchDocument(report, parsed), () => view.benchText(report))
  },
}
