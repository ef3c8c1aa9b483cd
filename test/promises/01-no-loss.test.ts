import { expect, it } from 'vitest'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import { killAndResume } from '../torture/kill-resume.ts'

describeEachDatabase('promise 1, no loss', (open) => {
  it('survives kill -9: every job completes once, and nothing that was committed is bought again', async () => {
    const database = await open()
    const { url, schema } = database
    const options = { database, url, schema, cwd: temporaryDirectory(), jobs: 9, kills: 3, latencyMs: 150, seed: 5 }
    const report = await killAndResume(options)
    expect(report).toMatchObject({ exitCode: 0, states: { completed: 9 }, notOnce: [], boughtAgain: [] })
    expect(report.kills).toBe(3)
    // A call in flight when its process dies is asked again; the ledger shows both purchases.
    expect(report.ledgerRows).toBeGreaterThanOrEqual(report.calls)
  }, 240_000)
})
