import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Spool, type SpoolEntry } from '../../src/calls/spool.ts'
import { temporaryDirectory } from '../support/databases.ts'

const entry: SpoolEntry = {
  version: 1,
  id: 'errand-1',
  requestHash: 'hash',
  database: '/db',
  output: { text: 'bought' },
  settlement: null,
}

describe('Spool', () => {
  it('gives back what was put, until it is removed', async () => {
    const spool = new Spool(join(temporaryDirectory(), 'spool'))
    await spool.put(entry)
    expect(await spool.take('errand-1')).toEqual(entry)
    expect(await spool.ids()).toEqual(['errand-1'])
    await spool.remove('errand-1')
    await spool.remove('errand-1')
    expect(await spool.take('errand-1')).toBeNull()
    expect(await spool.ids()).toEqual([])
  })

  it('lets nobody else read it', async () => {
    const directory = join(temporaryDirectory(), 'spool')
    const umask = process.umask(0)
    try {
      await new Spool(directory).put(entry)
    } finally {
      process.umask(umask)
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, 'errand-1.json')).mode & 0o777).toBe(0o600)
  })

  it('counts a cut file as none', async () => {
    const directory = temporaryDirectory()
    const spool = new Spool(directory)
    await spool.put(entry)
    const path = join(directory, 'errand-1.json')
    writeFileSync(path, readFileSync(path).subarray(0, -3))
    expect(await spool.take('errand-1')).toBeNull()
  })

  it('counts an entry of another version or id as none', async () => {
    const directory = temporaryDirectory()
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'errand-1.json'), JSON.stringify({ ...entry, version: 2 }))
    writeFileSync(join(directory, 'errand-2.json'), JSON.stringify(entry))
    expect(await new Spool(directory).take('errand-1')).toBeNull()
    expect(await new Spool(directory).take('errand-2')).toBeNull()
  })

  it('never leaves its directory', async () => {
    const directory = temporaryDirectory()
    await new Spool(directory).put({ ...entry, id: '../../outside' })
    expect(readdirSync(directory)).toEqual(['______outside.json'])
  })
})
