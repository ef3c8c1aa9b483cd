import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDatabase } from '../../../src/database/connection.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { temporaryDirectory } from '../../support/databases.ts'

it('a file that was opened and asked nothing is closed all the same, and nothing stays beside it', async () => {
  const path = join(temporaryDirectory(), 'orch.db')
  const database = await openDatabase(path, { clock: systemClock, random: seededRandom(1), create: true })
  await database.close()
  expect([`${path}-wal`, `${path}-shm`].filter((file) => existsSync(file))).toEqual([])
})
