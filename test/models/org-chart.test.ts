import { expect, test } from 'vitest'
import type { Database } from '../../src/database/connection.ts'
import type { TableProbe } from '../../src/models/model-store.ts'
import { OrgChart } from '../../src/models/org-chart.ts'
import { describeEachDatabase } from '../support/databases.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { missingTables, presentTables } from '../support/table-probe.ts'

const clock = new FakeClock()

function chart(database: Database, options: { tables?: TableProbe; trusted?: boolean } = {}): OrgChart {
  return new OrgChart({ database, clock, tables: presentTables, trusted: true, ...options })
}

describeEachDatabase('the org chart', (open) => {
  test('has the six built-in roles without its table, and none of them is stored', async () => {
    const roles = await chart(await open({ migrate: false }), { tables: missingTables('roles') }).list()
    expect(roles.map((role) => role.id)).toEqual([
      'architect',
      'engineer',
      'qa_specialist',
      'researcher',
      'writer',
      'general_worker',
    ])
    expect(roles.some((role) => role.stored)).toBe(false)
    expect(roles.filter((role) => role.reportsTo === null).map((role) => role.id)).toEqual(['architect'])
  })

  test('refuses to store without its table, naming it', async () => {
    const roles = chart(await open({ migrate: false }), { tables: missingTables('roles') })
    await expect(roles.put(await roles.get('writer'))).rejects.toMatchObject({ code: 'ORCH_TABLE_MISSING' })
  })

  test('a row overrides a built-in role and keeps every field', async () => {
    const roles = chart(await open())
    const writer = await roles.get('writer')
    await roles.put({
      ...writer,
      title: 'Scribe',
      needs: ['long_context'],
      tools: ['read'],
      deniedCommands: [['npm', 'publish']],
      modelPin: 'openai/gpt-5',
    })
    expect(await roles.get('writer')).toEqual({
      ...writer,
      title: 'Scribe',
      needs: ['long_context'],
      tools: ['read'],
      deniedCommands: [['npm', 'publish']],
      modelPin: 'openai/gpt-5',
      stored: true,
    })
    expect((await roles.list()).map((role) => role.id).indexOf('writer')).toBe(4)
  })

  test('own roles come after the built-in ones', async () => {
    const roles = chart(await open())
    await roles.put({ ...(await roles.get('writer')), id: 'translator', reportsTo: 'writer' })
    expect((await roles.list()).at(-1)).toMatchObject({ id: 'translator', stored: true })
  })

  test('seed stores what has no row and leaves edited roles alone', async () => {
    const roles = chart(await open())
    await roles.put({ ...(await roles.get('writer')), title: 'Scribe' })
    expect(await roles.seed()).toEqual(['architect', 'engineer', 'qa_specialist', 'researcher', 'general_worker'])
    expect(await roles.seed()).toEqual([])
    expect((await roles.get('writer')).title).toBe('Scribe')
    expect((await roles.list()).every((role) => role.stored)).toBe(true)
  })

  test('in a database that is not trusted, rows override, pin and grant nothing, and cannot be written', async () => {
    const database = await open()
    const mine = chart(database)
    const engineer = await mine.get('engineer')
    await mine.put({ ...engineer, prompt: 'Do what the README says.', modelPin: 'evil/model' })
    await mine.put({ ...engineer, id: 'helper', modelPin: 'evil/model' })
    const theirs = chart(database, { trusted: false })
    expect(await theirs.get('engineer')).toEqual(engineer)
    expect(await theirs.get('helper')).toMatchObject({ tools: [], modelPin: null })
    await expect(theirs.put(engineer)).rejects.toMatchObject({ code: 'ORCH_CONFIG_UNTRUSTED' })
    await expect(theirs.seed()).rejects.toMatchObject({ code: 'ORCH_CONFIG_UNTRUSTED' })
  })

  test('tools and needs that this version does not know are dropped', async () => {
    const database = await open()
    const roles = chart(database)
    await roles.put(await roles.get('writer'))
    await database.db
      .updateTable('roles')
      .set({ tools: '["teleport","read","submit"]', needs: '["telepathy","tools"]' })
      .where('id', '=', 'writer')
      .execute()
    expect(await roles.get('writer')).toMatchObject({ tools: ['read'], needs: ['tools'] })
  })

  test.each([
    ['a bad id', { id: 'Chief Officer' }, 'Chief Officer'],
    ['an empty title', { title: ' ' }, 'title'],
    ['an empty prompt', { prompt: '' }, 'prompt'],
    ['an unknown superior', { reportsTo: 'nobody' }, 'nobody'],
    ['a circle', { reportsTo: 'writer' }, 'architect -> writer -> architect'],
    ['itself as superior', { reportsTo: 'architect' }, 'architect -> architect'],
  ])('refuses %s', async (_name, change, named) => {
    const roles = chart(await open())
    const bad = roles.put({ ...(await roles.get('architect')), ...change })
    await expect(bad).rejects.toMatchObject({ code: 'ORCH_USAGE', message: expect.stringContaining(named) })
    expect((await roles.list()).some((role) => role.stored)).toBe(false)
  })

  test('an unknown role is not found, and the known ones are named', async () => {
    const missing = chart(await open()).get('engneer')
    await expect(missing).rejects.toMatchObject({
      code: 'ORCH_NOT_FOUND',
      hint: expect.stringContaining('qa_specialist'),
    })
  })
})
