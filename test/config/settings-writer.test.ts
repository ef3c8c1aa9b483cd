import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { removeFileSetting, writeFileSetting } from '../../src/config/settings-writer.ts'
import { temporaryDirectory } from '../support/databases.ts'

function fileWith(text: string): string {
  const path = join(temporaryDirectory(), 'config.yaml')
  writeFileSync(path, text)
  return path
}

describe('writeFileSetting', () => {
  it('creates the file and its directory', () => {
    const path = join(temporaryDirectory(), 'new', 'config.yaml')
    writeFileSetting(path, 'limits.concurrency', 8)
    expect(readFileSync(path, 'utf8')).toBe('limits:\n  concurrency: 8\n')
  })

  it('keeps comments and every other key', () => {
    const path = fileWith('# ours\nlimits:\n  turns: 3 # few\nselection.policy: best\n')
    writeFileSetting(path, 'limits.turns', 9)
    expect(readFileSync(path, 'utf8')).toBe('# ours\nlimits:\n  turns: 9 # few\nselection.policy: best\n')
  })

  it('changes a key where it stands when it is written as one word', () => {
    const path = fileWith('limits.turns: 3\n')
    writeFileSetting(path, 'limits.turns', 9)
    expect(readFileSync(path, 'utf8')).toBe('limits.turns: 9\n')
  })

  it('does not rewrite a file it cannot read', () => {
    const path = fileWith('limits: [unclosed')
    expect(() => writeFileSetting(path, 'limits.turns', 9)).toThrow(path)
    expect(readFileSync(path, 'utf8')).toBe('limits: [unclosed')
  })
})

describe('removeFileSetting', () => {
  it('removes the key and says whether it was there', () => {
    const path = fileWith('limits:\n  turns: 3\n  max_tries: 2\n')
    expect([removeFileSetting(path, 'limits.turns'), removeFileSetting(path, 'limits.turns')]).toEqual([true, false])
    expect(readFileSync(path, 'utf8')).toBe('limits:\n  max_tries: 2\n')
  })
})
