import { migrations } from '../../migrations/index.ts'
import { openDatabase, type Database } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migration/migrate.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { seededRandom } from '../../src/runtime/random.ts'

/** A migrated database in memory, for any number of simulations one after the other. */
export async function openSimulated(): Promise<Database> {
  const database = await openDatabase(':memory:', { clock: systemClock, random: seededRandom(1), create: true })
  await migrate(database, { migrations, clock: systemClock, toolVersion: 'simulation' })
  return database
}
