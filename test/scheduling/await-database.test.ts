import { describe, expect, it } from 'vitest'
import { OrchError } from '../../src/errors/orch-error.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { awaitDatabase, type AwaitDatabase } from '../../src/scheduling/await-database.ts'
import type { SchedulerEvent } from '../../src/scheduling/scheduler-types.ts'
import { FakeClock } from '../support/fake-clock.ts'

function aWait(overrides: Partial<AwaitDatabase> = {}) {
  const events: SchedulerEvent[] = []
  const clock = new FakeClock({ instant: true })
  const waiting: AwaitDatabase = {
    clock,
    random: seededRandom(1),
    notify: (event) => void events.push(event),
    signal: new AbortController().signal,
    exists: async () => true,
    maxWaitMs: null,
    ...overrides,
  }
  const said = () => events.map((event) => (event.kind === 'outage' ? event.cause : event.kind))
  return { waiting, clock, said }
}

function unreachable(code: string): OrchError {
  const cause = Object.assign(new Error(`engine says ${code}`), { code })
  return new OrchError('ORCH_DATABASE_UNREACHABLE', 'Cannot reach it', { cause })
}

/** Fails with each code in turn, then works. */
function failing(...codes: string[]) {
  return async () => {
    const code = codes.shift()
    if (code !== undefined) throw unreachable(code)
    return 'open'
  }
}

describe('waiting for a database at the start of a run', () => {
  it('says each cause once, and when it is over', async () => {
    const { waiting, clock, said } = aWait()
    const codes = ['ECONNREFUSED', 'ECONNREFUSED', '57P03', 'ETIMEDOUT', 'ETIMEDOUT', '53300']
    expect(await awaitDatabase(waiting, failing(...codes))).toBe('open')
    expect(said()).toEqual(['away', 'silent', 'crowded', 'recovered'])
    expect(clock.sleeps).toHaveLength(codes.length)
  })

  it('never pauses so long that the return would be noticed late', async () => {
    const { waiting, clock } = aWait()
    await awaitDatabase(waiting, failing(...Array.from({ length: 30 }, () => 'ECONNREFUSED')))
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(2000)
  })

  it.each(['28P01', '3D000', 'SQLITE_NOTADB'])('does not wait for what waiting does not mend: %s', async (code) => {
    const { waiting, said } = aWait()
    await expect(awaitDatabase(waiting, failing(code))).rejects.toMatchObject({ code: 'ORCH_DATABASE_UNREACHABLE' })
    expect(said()).toEqual([])
  })

  it('gives up after the longest wait of a run that ends by itself', async () => {
    const { waiting, clock } = aWait({ maxWaitMs: 10_000 })
    const never = async () => {
      throw unreachable('ECONNREFUSED')
    }
    await expect(awaitDatabase(waiting, never)).rejects.toMatchObject({ exitCode: 6 })
    expect(clock.monotonic()).toBeGreaterThanOrEqual(10_000)
    expect(clock.monotonic()).toBeLessThan(13_000)
  })

  it('ends at once when it is told to stop, also while nothing answers', async () => {
    const stop = new AbortController()
    const { waiting } = aWait({ signal: stop.signal })
    const ended = awaitDatabase(waiting, () => new Promise(() => {}))
    stop.abort()
    expect(await ended).toBeNull()
  })

  it('waits for a file that does not exist yet, or vanishes before it is opened', async () => {
    const looks = [false, false, true, false, true]
    const { waiting, clock, said } = aWait({ exists: async () => looks.shift() ?? true })
    const gone = new OrchError('ORCH_DATABASE_UNREACHABLE', 'There is no database')
    let opened = 0
    const open = async () => {
      opened += 1
      if (opened === 1) throw gone
      return 'open'
    }
    expect(await awaitDatabase(waiting, open)).toBe('open')
    expect(said()[0]).toBe('tables_missing')
    expect(clock.sleeps).toEqual([2000])
  })
})
