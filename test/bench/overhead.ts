/** What orch adds to the work itself: layers of jobs on the rehearsal provider, through executor, journal and spool. */
import { simulateSchedule } from '../../src/domain/schedule.ts'
import { storeRows } from '../support/job-rows.ts'
import { prepareRehearsal, rehearsalContext, rehearsalModel, runRehearsal } from '../support/rehearsal-run.ts'
import type { Scene } from '../torture/line.ts'

const layers = 10
const width = 100
const latencyMs = 50
const concurrency = 20

/** Every job waits for two of the layer before it, so that layers overlap as they do in real plans. */
const jobs = Array.from({ length: layers * width }, (_, index) => {
  const [layer, place] = [Math.floor(index / width), index % width]
  const key = (at: number) => `l${layer - 1}-${String(at % width).padStart(3, '0')}`
  const dependsOn = layer === 0 ? [] : [key(place), key(place + 1)]
  return { key: `l${layer}-${String(place).padStart(3, '0')}`, dependsOn, model: rehearsalModel }
})

/** Milliseconds per job beyond the makespan of the same order at zero overhead. */
export async function measureOverhead(scene: Scene): Promise<number> {
  const { url, schema } = await scene.open()
  const context = rehearsalContext({ url, schema, cwd: scene.cwd })
  try {
    const database = await prepareRehearsal(context, latencyMs)
    await storeRows(database, { jobs, project: { workspace: scene.cwd } })
    const begin = performance.now()
    let endedAt = begin
    await runRehearsal(context, concurrency, (event) => {
      if (event.kind === 'ended') endedAt = performance.now()
    })
    const states = await database.db.selectFrom('jobs').select(['state']).distinct().execute()
    if (states.length !== 1 || states[0]?.state !== 'completed')
      throw new Error(`not completed: ${JSON.stringify(states)}`)
    return (endedAt - begin - makespanMs()) / jobs.length
  } finally {
    await context.close()
  }
}

function makespanMs(): number {
  const timed = jobs.map(({ key, dependsOn }) => ({ key, dependsOn, priority: 1, durationMs: latencyMs }))
  return simulateSchedule(timed, concurrency).makespanMs
}
