/** One of several schedulers on one SQLite file; says how many jobs it took and how long its event loop stood still. */
import { once } from 'node:events'
import { openDatabase } from '../../src/database/connection.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { aRun, completedOutcome } from '../support/scheduling.ts'

export interface FairRunnerInput {
  readonly url: string
  readonly seed: number
  readonly runMs: number
}

export interface FairRunnerReport {
  readonly claimed: number
  /** How late a timer of 5 ms came, each time, in milliseconds. */
  readonly stallsMs: readonly number[]
  readonly troubles: readonly string[]
}

const tickMs = 5
const workMs = 25

const { url, seed, runMs } = JSON.parse(process.argv[2] ?? '') as FairRunnerInput
const random = seededRandom(seed)
const database = await openDatabase(url, { clock: systemClock, random })
let claimed = 0
const troubles: string[] = []
const { run } = aRun(database, {
  deps: {
    random,
    execute: async () => {
      claimed += 1
      await systemClock.sleep(workMs * (0.5 + random.next()))
      return completedOutcome
    },
    notify: (event) => {
      if (event.kind === 'outage' || event.kind === 'warning') troubles.push(event.message)
    },
  },
  options: { concurrency: 20, untilIdle: false },
})
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const stallsMs: number[] = []
let last = performance.now()
const watch = setInterval(() => {
  const now = performance.now()
  stallsMs.push(Math.max(0, now - last - tickMs))
  last = now
}, tickMs)
/** One that has got nothing yet goes on: whoever starves then never ends. */
function stop(): void {
  if (claimed === 0) return void setTimeout(stop, tickMs)
  clearInterval(watch)
  run.drain()
}
setTimeout(stop, runMs)
await run.run()
await database.close()
process.stdout.write(`${JSON.stringify({ claimed, stallsMs, troubles } satisfies FairRunnerReport)}\n`)
