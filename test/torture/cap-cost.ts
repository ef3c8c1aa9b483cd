/** What a limit costs in jobs per second, in one process and with work that does nothing. */
import { migrations } from '../../migrations/index.ts'
import { SharedSettings } from '../../src/calls/shared-settings.ts'
import { Settings } from '../../src/config/settings.ts'
import { Capabilities } from '../../src/database/capabilities.ts'
import type { Database } from '../../src/database/connection.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { storeRows } from '../support/job-rows.ts'
import { aRun } from '../support/scheduling.ts'
import { noted, type Figure, type Scene } from './line.ts'

const concurrency = 50

/** Jobs per second without a limit, with one that never binds, and with one that binds all the time. */
export async function capCost(scene: Scene, jobs: number): Promise<readonly Figure[]> {
  const none = await jobsPerSecond(scene, jobs, {})
  const loose = await jobsPerSecond(scene, jobs, { ORCH_LIMITS_JOBS: String(concurrency * 2) })
  const tight = await jobsPerSecond(scene, jobs, { ORCH_LIMITS_ROLES: `writer=${concurrency / 2}` })
  const share = (rate: number) => `${Math.round(rate)} jobs/s, ${Math.round((1 - rate / none) * 100)} % below none`
  return [
    noted('jobs per second without a limit', none),
    noted('with a limit that never binds', share(loose)),
    noted('with a role limit of half the places', share(tight)),
  ]
}

async function jobsPerSecond(scene: Scene, jobs: number, env: Record<string, string>): Promise<number> {
  const { database } = await scene.open()
  await storeRows(database, { jobs: Array.from({ length: jobs }, (_, index) => ({ key: `job-${index}` })) })
  const { run } = aRun(database, { deps: { shared: sharedFrom(database, env) }, options: { concurrency } })
  const begin = performance.now()
  await run.run()
  return (jobs * 1000) / (performance.now() - begin)
}

function sharedFrom(database: Database, env: Record<string, string>) {
  const files = { database: new Map(), projectFile: new Map(), userFile: new Map() }
  const settings = new SharedSettings({
    settings: new Settings({ env, ...files }),
    database,
    tables: new Capabilities(database, migrations, { clock: systemClock }),
    databaseTrusted: true,
    clock: systemClock,
  })
  return { settings, freeProviders: async () => [] }
}
