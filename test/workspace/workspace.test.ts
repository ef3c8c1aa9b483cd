import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compareSnapshots } from '../../src/workspace/snapshot.ts'
import { hashText } from '../../src/workspace/confined-file.ts'
import { openWorkspace } from '../../src/workspace/workspace.ts'
import { temporaryWorkspace } from '../support/temporary-workspace.ts'

const refused = expect.objectContaining({ code: 'ORCH_OUTSIDE_WORKSPACE' }) as Error
const unreadable = expect.objectContaining({ code: 'ORCH_FILE_UNREADABLE' }) as Error
const notFound = expect.objectContaining({ code: 'ORCH_NOT_FOUND' }) as Error
const invalid = expect.objectContaining({ code: 'ORCH_WORKSPACE_INVALID' }) as Error

describe('openWorkspace', () => {
  it('refuses a directory without the marker, and makes it when asked', async () => {
    const { root } = await temporaryWorkspace()
    mkdirSync(join(root, 'inner'))
    await expect(openWorkspace(join(root, 'inner'))).rejects.toEqual(invalid)
    const made = await openWorkspace(join(root, 'inner'), { createWith: { next: () => 'id-2' } })
    expect(made.id).toBe('id-2')
    expect((await openWorkspace(join(root, 'inner'))).id).toBe('id-2')
  })

  it('refuses what is missing, a file, or badly marked', async () => {
    const { root } = await temporaryWorkspace({ 'a.txt': 'x' })
    await expect(openWorkspace(join(root, 'none'))).rejects.toEqual(invalid)
    await expect(openWorkspace(join(root, 'a.txt'))).rejects.toEqual(invalid)
    writeFileSync(join(root, '.orch/workspace.json'), '{"id":')
    await expect(openWorkspace(root)).rejects.toEqual(invalid)
  })

  it('does not make its marker through a link', async () => {
    const { root, outside } = await temporaryWorkspace()
    mkdirSync(join(root, 'inner'))
    symlinkSync(outside, join(root, 'inner/.orch'))
    await expect(openWorkspace(join(root, 'inner'), { createWith: { next: () => 'x' } })).rejects.toEqual(invalid)
    expect(readdirSync(outside)).toEqual([])
  })

  it('notices that the workspace was replaced', async () => {
    const { workspace, root, outside } = await temporaryWorkspace()
    renameSync(root, `${root}-old`)
    renameSync(outside, root)
    await expect(workspace.write('a.txt', 'x')).rejects.toEqual(invalid)
    expect(readdirSync(root)).toEqual([])
  })
})

describe('read', () => {
  it('returns lines, and a window of them', async () => {
    const { workspace } = await temporaryWorkspace({ 'src/a.txt': 'one\ntwo\nthree\n' })
    expect(await workspace.read('src/a.txt')).toMatchObject({ text: 'one\ntwo\nthree', totalLines: 3, lastLine: 3 })
    expect(await workspace.read('./src//a.txt', { firstLine: 2, maxLines: 1 })).toMatchObject({
      text: 'two',
      lastLine: 2,
    })
    expect(await workspace.read('src/a.txt', { maxBytes: 8 })).toMatchObject({ text: 'one\ntwo', cut: false })
  })

  it('accepts an absolute path inside the workspace', async () => {
    const { workspace, root } = await temporaryWorkspace({ 'a.txt': 'x' })
    expect((await workspace.read(join(root, 'a.txt'))).text).toBe('x')
  })

  it('refuses binary, oversized, missing and special files', async () => {
    const files = {
      'a.bin': Buffer.from([1, 0, 2]),
      'latin.txt': Buffer.from([0x63, 0xe9]),
      'big.txt': 'x'.repeat(101),
    }
    const { workspace, root } = await temporaryWorkspace(files, { limits: { fileBytes: 100 } })
    execFileSync('mkfifo', [join(root, 'pipe')])
    for (const path of ['a.bin', 'latin.txt', 'big.txt', 'pipe', 'src']) {
      if (path === 'src') mkdirSync(join(root, 'src'))
      await expect(workspace.read(path)).rejects.toEqual(unreadable)
    }
    await expect(workspace.read('none.txt')).rejects.toEqual(notFound)
    await expect(workspace.read('a.bin/b')).rejects.toEqual(notFound)
  })

  it.each([
    '.env',
    '.ENV',
    '.env.production',
    'deploy/prod.env',
    '.npmrc',
    'keys/id_rsa',
    'tls/server.pem',
    '.git/config',
  ])('keeps %s from models', async (path) => {
    const { workspace } = await temporaryWorkspace({ [path]: 'canary' })
    await expect(workspace.read(path)).rejects.toEqual(refused)
    expect((await workspace.search({ text: 'canary' })).matches).toEqual([])
  })

  it('reads examples of secrets and protected files', async () => {
    const { workspace } = await temporaryWorkspace({ '.env.example': 'A=', '.github/workflows/ci.yml': 'on: push' })
    expect((await workspace.read('.env.example')).text).toBe('A=')
    expect((await workspace.read('.github/workflows/ci.yml')).text).toBe('on: push')
  })
})

describe('write', () => {
  it('creates directories and reports both hashes', async () => {
    const { workspace, root } = await temporaryWorkspace()
    expect(await workspace.write('src/deep/a.txt', 'one')).toEqual({
      path: 'src/deep/a.txt',
      beforeHash: null,
      afterHash: hashText('one'),
      bytes: 3,
    })
    expect(await workspace.write('src/deep/a.txt', 'zwei ü')).toMatchObject({ beforeHash: hashText('one'), bytes: 7 })
    expect(readFileSync(join(root, 'src/deep/a.txt'), 'utf8')).toBe('zwei ü')
    expect(readdirSync(join(root, 'src/deep'))).toEqual(['a.txt'])
  })

  it('keeps permission bits', async () => {
    const { workspace, root } = await temporaryWorkspace({ 'run.sh': 'x' })
    chmodSync(join(root, 'run.sh'), 0o755)
    await workspace.write('run.sh', 'y')
    expect(statSync(join(root, 'run.sh')).mode & 0o777).toBe(0o755)
  })

  it('refuses links, hard links and special files, and changes nothing', async () => {
    const { workspace, root, outside } = await temporaryWorkspace()
    writeFileSync(join(outside, 'canary'), 'canary')
    symlinkSync(join(outside, 'canary'), join(root, 'link'))
    symlinkSync(join(outside, 'new'), join(root, 'dangling'))
    symlinkSync(outside, join(root, 'directory'))
    linkSync(join(outside, 'canary'), join(root, 'hard'))
    execFileSync('mkfifo', [join(root, 'pipe')])
    for (const path of ['link', 'dangling', 'directory/new', 'directory/canary', 'hard']) {
      await expect(workspace.write(path, 'x')).rejects.toEqual(refused)
    }
    await expect(workspace.write('pipe', 'x')).rejects.toEqual(unreadable)
    expect(readdirSync(outside)).toEqual(['canary'])
    expect(readFileSync(join(outside, 'canary'), 'utf8')).toBe('canary')
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it.each([
    [
      '.git/hooks/pre-commit',
      '.git',
      '.GIT/config',
      '.git./config',
      'sub/.git/hooks/x',
      '.g\u200cit/config',
      'GIT~1/x',
    ],
    [
      '.orch/config.yaml',
      '.github/workflows/x.yml',
      '.gitlab-ci.yml',
      '.circleci/config.yml',
      'Jenkinsfile',
      '.ci/run',
    ],
    ['.vscode/tasks.json', '.idea/x.xml', 'a.code-workspace', '.bashrc', '.zshrc', '.envrc', '.profile', '.PROFILE'],
    ['CLAUDE.md', 'docs/agents.md', '.mcp.json', '.cursor/rules', '.ｇithub/x', '.git::$INDEX_ALLOCATION/x', '.env'],
  ])('refuses protected files, also absent ones: %s ...', async (...paths) => {
    const { workspace, root } = await temporaryWorkspace()
    for (const path of paths) await expect(workspace.write(path, 'x')).rejects.toEqual(refused)
    expect(readdirSync(root)).toEqual(['.orch'])
    expect(readdirSync(join(root, '.orch'))).toEqual(['workspace.json'])
  })

  it('protects further paths of this workspace with everything below', async () => {
    const { workspace } = await temporaryWorkspace({}, { protectedPaths: ['deploy'] })
    await expect(workspace.write('Deploy/x.sh', 'x')).rejects.toEqual(refused)
    await expect(workspace.write('deployment/x.sh', 'x')).resolves.toMatchObject({ path: 'deployment/x.sh' })
  })

  it('keeps to its limits', async () => {
    const { workspace, root } = await temporaryWorkspace({}, { limits: { fileBytes: 10, writes: 2, writtenBytes: 15 } })
    await expect(workspace.write('big', 'x'.repeat(11))).rejects.toEqual(refused)
    await workspace.write('a', 'x'.repeat(10))
    await expect(workspace.write('b', 'x'.repeat(6))).rejects.toEqual(refused)
    await workspace.write('b', 'x')
    await expect(workspace.write('c', 'x')).rejects.toEqual(refused)
    expect(existsSync(join(root, 'c'))).toBe(false)
  })
})

describe('edit', () => {
  it('replaces text that occurs once', async () => {
    const { workspace } = await temporaryWorkspace({ 'a.ts': 'const a = 1\nconst b = 2\n' })
    const result = await workspace.edit('a.ts', { find: 'b = 2', replace: 'b = 3' })
    expect(result).toMatchObject({
      kind: 'edited',
      replaced: 1,
      file: { beforeHash: hashText('const a = 1\nconst b = 2\n') },
    })
    expect((await workspace.read('a.ts')).text).toBe('const a = 1\nconst b = 3')
  })

  it('changes nothing on a miss or an ambiguous text', async () => {
    const { workspace } = await temporaryWorkspace({ 'a.ts': 'let a = 1\nlet a = 1\n' })
    expect(await workspace.edit('a.ts', { find: 'let a = 2', replace: '' })).toMatchObject({
      kind: 'missing',
      nearest: { line: 1, text: 'let a = 1' },
    })
    expect(await workspace.edit('a.ts', { find: 'let a = 1', replace: '' })).toEqual({
      kind: 'ambiguous',
      lines: [1, 2],
    })
    expect(await workspace.edit('a.ts', { find: '1', replace: '2', all: true })).toMatchObject({ replaced: 2 })
  })
})

describe('list', () => {
  it('names entries in order, without entering links or bookkeeping', async () => {
    const { workspace, root, outside } = await temporaryWorkspace({ 'b/c.txt': 'abc', 'a.txt': '', '.git/HEAD': 'x' })
    symlinkSync(outside, join(root, 'link'))
    const { entries, complete } = await workspace.list('', { depth: 3 })
    expect(complete).toBe(true)
    expect(entries.map((entry) => `${entry.kind} ${entry.path} ${entry.bytes}`)).toEqual([
      'directory .git 0',
      'directory .orch 0',
      'file a.txt 0',
      'directory b 0',
      'file b/c.txt 3',
      'link link 0',
    ])
    expect((await workspace.list('b')).entries.map((entry) => entry.path)).toEqual(['b/c.txt'])
    expect((await workspace.list('', { limit: 2 })).complete).toBe(false)
    await expect(workspace.list('link')).rejects.toEqual(refused)
  })
})

describe('search', () => {
  it('finds literal text by line, in the files asked for', async () => {
    const { workspace } = await temporaryWorkspace({
      'src/a.ts': 'one\nconst x = f(.*)\n',
      'src/b.md': 'f(.*)',
      'node_modules/x/index.js': 'f(.*)',
    })
    expect((await workspace.search({ text: 'f(.*)', globs: ['**/*.ts'] })).matches).toEqual([
      { path: 'src/a.ts', line: 2, text: 'const x = f(.*)' },
    ])
    expect((await workspace.search({ text: 'F(', ignoreCase: true })).matches).toHaveLength(2)
    expect(await workspace.search({ text: 'f(', limit: 1 })).toMatchObject({ complete: false })
    expect((await workspace.search({ text: 'f(', path: 'src' })).matches).toHaveLength(2)
  })
})

describe('hash and stat', () => {
  it('says null where nothing is', async () => {
    const { workspace } = await temporaryWorkspace({ 'a.txt': 'x' })
    expect(await workspace.hash('a.txt')).toBe(hashText('x'))
    expect(await workspace.hash('b.txt')).toBe(null)
    expect(await workspace.hash('none/b.txt')).toBe(null)
    expect(await workspace.stat('a.txt')).toMatchObject({ kind: 'file', bytes: 1 })
    expect(await workspace.stat('none/b.txt')).toBe(null)
  })
})

describe('snapshot', () => {
  it('shows what a command changed', async () => {
    const { workspace, root } = await temporaryWorkspace({ 'a.txt': '1', 'b.txt': '1', 'c/d.txt': '1', 'e.txt': '1' })
    const before = await workspace.snapshot()
    writeFileSync(join(root, 'a.txt'), '2')
    renameSync(join(root, 'b.txt'), join(root, 'new.txt'))
    symlinkSync('/etc/passwd', join(root, 'link'))
    mkdirSync(join(root, 'node_modules'))
    writeFileSync(join(root, 'node_modules/x'), '')
    expect(compareSnapshots(before, await workspace.snapshot())).toEqual([
      { path: 'a.txt', change: 'changed' },
      { path: 'b.txt', change: 'deleted' },
      { path: 'link', change: 'created' },
      { path: 'new.txt', change: 'created' },
    ])
  })

  it('looks only where the globs lead', async () => {
    const { workspace } = await temporaryWorkspace({ 'src/a.ts': '', 'src/b.md': '', 'c.json': '', 'docs/d.md': '' })
    const { files } = await workspace.snapshot(['src/*.ts', 'c.json', 'none/**', 'gone.txt'])
    expect([...files.keys()].toSorted()).toEqual(['c.json', 'src/a.ts'])
  })

  it('says when it is not complete', async () => {
    const { workspace } = await temporaryWorkspace({ a: '', b: '', c: '' }, { limits: { entries: 2 } })
    expect((await workspace.snapshot()).complete).toBe(false)
  })
})
