import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import { openSimulated } from './open-simulated.ts'
import { runScript, type Run } from './run-script.ts'
import { anyScript } from './script-arbitrary.ts'
import { scriptOf } from './script.ts'
import { sabotages } from './sabotages.ts'

/** The faults of a run, with what led to them. */
function explained({ faults, tail }: Run): readonly string[] {
  return faults.length === 0 ? [] : [...faults, tail]
}

describe('the simulated scheduler', () => {
  let database: Database
  beforeAll(async () => {
    database = await openSimulated()
  })
  afterAll(() => database.close())

  it('does what the model says, whatever happens to a plan', async () => {
    await fc.assert(
      fc.asyncProperty(anyScript, async (script) => {
        expect(explained(await runScript(script, database))).toEqual([])
      }),
      { numRuns: 60, seed: 1, endOnFailure: false },
    )
  })

  it('replays a seed to the same trace', async () => {
    for (const seed of [3, 34]) {
      const [first, second] = [await runScript(scriptOf(seed), database), await runScript(scriptOf(seed), database)]
      expect(first.entries).toBeGreaterThan(20)
      expect(second.hash).toBe(first.hash)
    }
    expect((await runScript(scriptOf(4), database)).hash).not.toBe((await runScript(scriptOf(5), database)).hash)
  })

  // What these seeds found once; `npm run torture -- dag-model` plays plans of up to 12 jobs and of up to 30.
  it.each([
    [30, 30, 'a plan that puts a job before one that runs'],
    [133, 30, 'a plan that puts a job before one that runs and then waits'],
    [31, 30, "a person's hold that a retry of another job lifted"],
    [167, 30, 'a table of locks that appears while jobs run that hold some'],
    [1_004_184, 30, 'a retry in a cancelled project, which is cancelled again'],
    [1_007_165, 12, 'a job that completes behind one that is skipped at the same moment'],
    [1_008_598, 12, 'a cancel while a pass that had looked already is stuck'],
    [1_005_459, 12, 'locks of a job that was cancelled after its scheduler died'],
    [1_002_223, 12, 'a job retried and claimed again while its cancelled attempt still ran in the same scheduler'],
  ])('holds for seed %i with up to %i jobs: %s', async (seed, largest) => {
    expect(explained(await runScript(scriptOf(seed, largest), database))).toEqual([])
  })

  it.each(Object.entries(sabotages))('notices a scheduler that %s', async (_name, sabotage) => {
    const found: string[] = []
    for (let seed = 1; seed <= 40 && found.length === 0; seed++) {
      const { faults } = await runScript(scriptOf(seed, 12), database, sabotage.breaks)
      found.push(...faults)
    }
    expect(found.join('\n')).toMatch(sabotage.says)
  })
})
