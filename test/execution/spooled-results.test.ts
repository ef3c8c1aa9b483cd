import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { executeAttempt } from '../../src/execution/execute-attempt.ts'
import { settleSpooled, sweepSpool } from '../../src/execution/spooled-results.ts'
import type { Database } from '../../src/database/connection.ts'
import { aScene, claimAttempt, executionDeps, rescue, runOnce, type Scene } from '../support/attempts.ts'
import { describeEachDatabase, temporaryDirectory } from '../support/databases.ts'
import { Death } from '../support/mortal.ts'
import { scriptedCalls } from '../support/scripted-calls.ts'

/** A runner that dies between the last byte of a reply and its commit. Returns the attempt it died in. */
async function dieWithReply(scene: Scene) {
  const attempt = await claimAttempt(scene)
  const calls = scriptedCalls(scene.database, scene.spoolDir)
  const write: Database['write'] = (work) =>
    calls.sent.length > 0 ? Promise.reject(new Death()) : scene.database.write(work)
  const database = { ...scene.database, write }
  await expect(executeAttempt(executionDeps({ ...calls, database }), attempt)).rejects.toThrow(Death)
  expect(calls.sent).toHaveLength(1)
  return { jobId: attempt.job.id, attempt: attempt.number }
}

async function ledger({ database }: Scene) {
  const usage = await database.db.selectFrom('model_usage').select(['outcome', 'cost_micro_usd']).execute()
  const open = await database.db.selectFrom('reservations').select('id').where('settled_at', 'is', null).execute()
  return { usage, open: open.length }
}

const paid = { usage: [{ outcome: 'ok', cost_micro_usd: 120 }], open: 0 }

describeEachDatabase('what a dead runner of this host had in hand', (open) => {
  it('is committed before its job is given back: nobody asks again, wherever the job goes', async () => {
    const scene = await aScene(await open(), {})
    const dead = await dieWithReply(scene)
    expect((await ledger(scene)).open).toBe(1)
    expect(await settleSpooled(scriptedCalls(scene.database, scene.spoolDir), [dead])).toBe(1)
    expect(await ledger(scene)).toEqual(paid)
    expect(readdirSync(scene.spoolDir)).toEqual([])
    await rescue(scene)
    const elsewhere = await runOnce({ ...scene, spoolDir: temporaryDirectory() })
    expect(elsewhere.outcome.kind).toBe('completed')
    expect(elsewhere.calls.sent).toEqual([])
    expect(await ledger(scene)).toEqual(paid)
  })

  it('is left alone when the attempt is no longer current', async () => {
    const scene = await aScene(await open(), {})
    const dead = await dieWithReply(scene)
    await rescue(scene)
    expect(await settleSpooled(scriptedCalls(scene.database, scene.spoolDir), [dead])).toBe(0)
    expect(readdirSync(scene.spoolDir)).toHaveLength(1)
    const next = await runOnce(scene)
    expect([next.outcome.kind, next.calls.sent.length]).toEqual(['completed', 0])
  })

  it('stays where it is for another database, and is set aside with a warning when it is damaged', async () => {
    const scene = await aScene(await open(), {})
    const dead = await dieWithReply(scene)
    const calls = scriptedCalls(scene.database, scene.spoolDir)
    const other = { ...calls, database: { ...scene.database, address: 'another' } }
    expect(await settleSpooled(other, [dead])).toBe(0)
    const [name = ''] = readdirSync(scene.spoolDir)
    truncateSync(join(scene.spoolDir, name), 20)
    expect(await settleSpooled(calls, [dead])).toBe(0)
    expect(readdirSync(scene.spoolDir)).toEqual([`${name}.damaged`])
    expect(calls.warnings).toEqual([expect.stringContaining(`${name}.damaged`)])
  })

  it('is booked as stale once nobody will resume it, and kept as long as somebody may', async () => {
    const scene = await aScene(await open(), {})
    await dieWithReply(scene)
    const calls = scriptedCalls(scene.database, scene.spoolDir)
    await rescue(scene)
    await sweepSpool(calls)
    expect(readdirSync(scene.spoolDir)).toHaveLength(1)
    await scene.database.db.updateTable('jobs').set({ state: 'cancelled' }).execute()
    await sweepSpool(calls)
    expect(readdirSync(scene.spoolDir)).toEqual([])
    expect(await ledger(scene)).toEqual({ usage: [{ outcome: 'stale', cost_micro_usd: 120 }], open: 0 })
  })

  it('a result that the database refuses fails no try: the attempt is given back, and the next one has it', async () => {
    const scene = await aScene(await open(), {})
    const attempt = await claimAttempt(scene)
    const calls = scriptedCalls(scene.database, scene.spoolDir)
    const code = scene.database.dialect.skipsLocked ? '54000' : 'SQLITE_TOOBIG'
    const refusal = Object.assign(new Error('no room for this'), { code })
    const write: Database['write'] = (work) =>
      calls.sent.length > 0 ? Promise.reject(refusal) : scene.database.write(work)
    const outcome = await executeAttempt(executionDeps({ ...calls, database: { ...scene.database, write } }), attempt)
    expect(outcome).toMatchObject({ kind: 'released', reason: expect.stringContaining('no room for this') })
    await rescue(scene)
    const next = await runOnce(scene)
    expect([next.outcome.kind, next.calls.sent.length]).toEqual(['completed', 0])
  })
})
