/** A process that plays its share of the seeds of `dag-model`, and says what it found. For `ScriptProcess`. */
import { once } from 'node:events'
import { openDatabase } from '../../src/database/connection.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { openSimulated } from '../simulation/open-simulated.ts'
import { playSeeds, type Seeds } from './dag-model-seeds.ts'

export interface DagModelRunnerInput {
  readonly seeds: Seeds
  /** A migrated database on a server; null for one in memory. */
  readonly server: { readonly url: string; readonly schema: string | undefined } | null
}

const { seeds, server } = JSON.parse(process.argv[2] ?? '') as DagModelRunnerInput
const options = { clock: systemClock, random: seededRandom(1) }
const database =
  server === null ? await openSimulated() : await openDatabase(server.url, { ...options, schema: server.schema })
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const found = await playSeeds(database, seeds)
await database.close()
process.stdout.write(`${JSON.stringify(found)}\n`)
