/** What a long run leaves behind in the memory of its process. */
import { atMost, exactly, noted, type Figure, type Size, type TortureLine } from './line.ts'
import type { MemoryRunnerInput, MemoryRunnerReport } from './memory-runner.ts'
import { ScriptProcess, withScript } from './scripts.ts'

const jobsOf: Readonly<Record<Size, number>> = { short: 20, normal: 15_000, full: 100_000 }
const samples = 40
/** The part of the samples that is warm-up: caches fill, code gets compiled. */
const warmUp = 0.3

export const memory: TortureLine = {
  name: 'memory',
  promise: 'a process that runs jobs for ever does not grow with their number',
  run: (scene, size) =>
    withScript('memory-runner', async (script) => {
      const { url, schema } = await scene.open()
      const input: MemoryRunnerInput = { url, schema, cwd: scene.cwd, jobs: jobsOf[size], samples }
      const runner = new ScriptProcess(script, input)
      await runner.ready()
      runner.go()
      return figuresOf(await runner.result<MemoryRunnerReport>(), size)
    }),
}

function figuresOf({ completed, heap, rssMb }: MemoryRunnerReport, size: Size): readonly Figure[] {
  const warm = heap.slice(Math.floor(heap.length * warmUp))
  return [
    exactly('jobs not completed', jobsOf[size] - completed, 0),
    noted('resident at the end', `${rssMb.toFixed(0)} MiB`),
    // So few jobs are all warm-up.
    ...(size === 'short' ? [] : [atMost('heap slope per job', slopeOf(warm), { limit: 100, unit: 'bytes' })]),
  ]
}

/** Least squares: bytes for each further job. */
function slopeOf(points: readonly { readonly jobs: number; readonly bytes: number }[]): number {
  const mean = (of: (point: { readonly jobs: number; readonly bytes: number }) => number) =>
    points.reduce((total, point) => total + of(point), 0) / points.length
  const [x, y] = [mean(({ jobs }) => jobs), mean(({ bytes }) => bytes)]
  const spread = points.reduce((total, { jobs }) => total + (jobs - x) ** 2, 0)
  return points.reduce((total, { jobs, bytes }) => total + (jobs - x) * (bytes - y), 0) / spread
}
