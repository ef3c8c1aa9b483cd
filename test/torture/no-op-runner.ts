/** A process that runs the real scheduler on work that does nothing, and says what it did. For `ScriptProcess`. */
import { once } from 'node:events'
import { openDatabase } from '../../src/database/connection.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { aRun, completedOutcome } from '../support/scheduling.ts'

export interface NoOpRunnerInput {
  readonly url: string
  readonly schema: string | undefined
  readonly concurrency: number
  readonly seed: number
}

export interface NoOpRunnerReport {
  /** `<job> <attempt>` of everything that was executed. */
  readonly executed: readonly string[]
  /** What an operator would have seen of trouble with the database. */
  readonly troubles: readonly string[]
  readonly end: string
}

const input = JSON.parse(process.argv[2] ?? '') as NoOpRunnerInput
const { url, schema, concurrency, seed } = input
const random = seededRandom(seed)
const database = await openDatabase(url, { clock: systemClock, random, schema, connections: 2 })
const executed: string[] = []
const { run, events } = aRun(database, {
  deps: {
    random,
    execute: async (attempt) => {
      executed.push(`${attempt.job.id} ${attempt.number}`)
      return completedOutcome
    },
  },
  options: { concurrency },
})
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const { end } = await run.run()
await database.close()
const troubles = events.flatMap((event) =>
  event.kind === 'outage' || event.kind === 'warning' ? [`${event.kind}: ${event.message}`] : [],
)
process.stdout.write(`${JSON.stringify({ executed, troubles, end } satisfies NoOpRunnerReport)}\n`)
