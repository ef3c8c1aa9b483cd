/** A process that works off jobs on the rehearsal provider and weighs its heap now and then. */
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { storeDrainRows } from '../support/drain-rows.ts'
import { prepareRehearsal, rehearsalContext, rehearsalModel, runRehearsal } from '../support/rehearsal-run.ts'

export interface MemoryRunnerInput {
  readonly url: string
  readonly schema: string | undefined
  readonly cwd: string
  readonly jobs: number
  readonly samples: number
}

export interface MemoryRunnerReport {
  readonly completed: number
  /** Jobs that had ended, and bytes in use after a full collection. */
  readonly heap: readonly { readonly jobs: number; readonly bytes: number }[]
  readonly rssMb: number
}

const input = JSON.parse(process.argv[2] ?? '') as MemoryRunnerInput
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const context = rehearsalContext(input)
const database = await prepareRehearsal(context, 0)
await storeDrainRows(database, { count: input.jobs, locks: false, workspace: input.cwd, model: rehearsalModel })
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const heap: { jobs: number; bytes: number }[] = []
const every = Math.max(1, Math.floor(input.jobs / input.samples))
let completed = 0
await runRehearsal(context, 20, (event) => {
  if (event.kind !== 'ended') return
  if (event.report?.state === 'completed') completed += 1
  if (completed % every !== 0) return
  collect()
  heap.push({ jobs: completed, bytes: process.memoryUsage().heapUsed })
})
await context.close()
const rssMb = process.memoryUsage().rss / 2 ** 20
process.stdout.write(`${JSON.stringify({ completed, heap, rssMb } satisfies MemoryRunnerReport)}\n`)
