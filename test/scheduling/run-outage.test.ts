import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/database/dialect/dialect.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { RunOutage } from '../../src/scheduling/run-outage.ts'
import type { SchedulerEvent } from '../../src/scheduling/scheduler-types.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** Errors say themselves what they are. */
const dialect = {
  classify: (error: unknown) => (error as Error).message,
  causeOf: (error: unknown) => (error as Error).name,
} as unknown as Dialect

function outage(cause: string): Error {
  return Object.assign(new Error('outage'), { name: cause })
}

function anOutage() {
  const events: SchedulerEvent[] = []
  const clock = new FakeClock()
  const notify = (event: SchedulerEvent) => void events.push(event)
  const watch = new RunOutage({ database: { dialect }, clock, random: seededRandom(1), notify })
  const said = () => events.map((event) => (event.kind === 'outage' ? event.cause : event.kind))
  return { watch, clock, said }
}

describe('what a run says of a database that fails', () => {
  it('is each cause once, and the return', () => {
    const { watch, said } = anOutage()
    for (const cause of ['away', 'away', 'silent', 'away', 'silent']) watch.fail(outage(cause))
    expect(watch.isUnderWay).toBe(true)
    watch.recover()
    watch.recover()
    expect(said()).toEqual(['away', 'silent', 'recovered'])
    expect(watch.isUnderWay).toBe(false)
  })

  it('is no new line for a cause that comes and goes within seconds', async () => {
    const { watch, clock, said } = anOutage()
    watch.fail(outage('away'))
    watch.recover()
    await clock.advance(5000)
    watch.fail(outage('away'))
    watch.recover()
    expect(said()).toEqual(['away', 'recovered'])
    await clock.advance(10_000)
    watch.fail(outage('away'))
    expect(said()).toEqual(['away', 'recovered', 'away'])
  })

  it('is no outage where orch itself is wrong: a warning, and the end after a few times', () => {
    const { watch, said } = anOutage()
    const bug = new Error('other')
    expect([1, 2, 3, 4, 5].map(() => watch.fail(bug))).toEqual([true, true, true, true, false])
    expect(said()).toEqual(['warning'])
  })

  it('keeps its pauses short enough to notice the return', () => {
    const { watch } = anOutage()
    for (let round = 0; round < 50; round += 1) watch.fail(outage('away'))
    expect(watch.pauseMs()).toBeGreaterThan(500)
    expect(watch.pauseMs()).toBeLessThanOrEqual(1500)
  })

  it('counts the time since the first failure', async () => {
    const { watch, clock } = anOutage()
    watch.fail(outage('away'))
    await clock.advance(7000)
    watch.fail(outage('away'))
    expect(watch.lastedMs()).toBe(7000)
    watch.recover()
    expect(watch.lastedMs()).toBe(0)
  })
})
