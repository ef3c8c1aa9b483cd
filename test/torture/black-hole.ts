/** A network that keeps connections open and forwards nothing: no error tells that the database is gone. */
import { startFakeModelServer } from '../support/fake-model-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { databaseEnvironment, killDagJobs, prepareKillDag, replyTo } from './kill-dag-project.ts'
import { pause } from './kill-turns.ts'
import { judgeDatabase } from './kill-witness.ts'
import { exactly, type Size, type TortureLine } from './line.ts'
import { OutageRunners, resumeWithinMs, timeFigure, type Absence } from './outage-runners.ts'

const extents: Readonly<Record<Size, { readonly jobs: number; readonly holes: number; readonly longMs: number }>> = {
  short: { jobs: 40, holes: 1, longMs: 0 },
  normal: { jobs: 400, holes: 3, longMs: 12_000 },
  full: { jobs: 1500, holes: 10, longMs: 20_000 },
}

const noticeWithinMs = 8000
const modelLatencyMs = 300
const longestEndMs = 90_000

export const blackHole: TortureLine = {
  name: 'black-hole',
  promise: 'connections that stay open and forward nothing are noticed, said once, and worked with again within 5 s',
  engines: ['Postgres'],
  run: async (scene, size) => {
    const { jobs: count, holes, longMs } = extents[size]
    const opened = await scene.open()
    const proxy = await startTcpProxy(opened.url)
    const models = await startFakeModelServer({ respond: (request) => replyTo(request, modelLatencyMs) })
    const through = { ...opened, url: proxy.url }
    await prepareKillDag({ ...through, cwd: scene.cwd, modelServerUrl: models.url }, killDagJobs(count, scene.seed))
    const runners = new OutageRunners(
      { cwd: scene.cwd, env: databaseEnvironment(through), flags: ['--concurrency', '4'] },
      1,
    )
    const absences: Absence[] = []
    const noticedMs: number[] = []
    try {
      await runners.startSince(0, 30_000)
      for (let hole = 0; hole < holes; hole += 1) {
        await pause(1500)
        const fromMs = performance.now()
        proxy.stall()
        const saidAtMs = await firstWord(runners, fromMs)
        noticedMs.push(saidAtMs - fromMs)
        await pause(Math.max(0, longMs - (performance.now() - fromMs)))
        proxy.resume()
        absences.push({ fromMs, toMs: performance.now() })
        await runners.startSince(performance.now(), resumeWithinMs * 2)
      }
      const giveUpAt = performance.now() + longestEndMs
      let states = (await judgeDatabase(opened.database)).states
      while ((states['completed'] ?? 0) < count && performance.now() < giveUpAt) {
        await pause(500)
        states = (await judgeDatabase(opened.database)).states
      }
      const verdict = await judgeDatabase(opened.database)
      return [
        timeFigure(size, 'longest time until it was said', { ms: Math.max(...noticedMs), limit: noticeWithinMs }),
        timeFigure(size, 'longest time from return to claim', {
          ms: Math.max(...absences.map((one) => runners.resumedAfterMs(one))),
          limit: resumeWithinMs,
        }),
        exactly('causes said more than once', runners.repetitions(absences), 0),
        exactly('runners that ended by themselves', runners.deserters.length, 0),
        exactly('jobs completed', verdict.states['completed'] ?? 0, count),
        exactly('jobs not completed exactly once', verdict.notOnce, 0),
        exactly('tries charged', verdict.tries, 0),
      ]
    } finally {
      await runners.end()
      await models.close()
      await proxy.close()
    }
  },
}

async function firstWord(runners: OutageRunners, fromMs: number): Promise<number> {
  while (performance.now() - fromMs < noticeWithinMs * 2) {
    const [said] = runners.saidBetween(fromMs, Number.POSITIVE_INFINITY)
    if (said !== undefined) return said.readAtMs
    await pause(20)
  }
  return Number.POSITIVE_INFINITY
}
