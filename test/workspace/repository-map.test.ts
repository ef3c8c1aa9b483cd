import { describe, expect, it } from 'vitest'
import { mapRepository } from '../../src/workspace/repository-map.ts'
import { temporaryWorkspace } from '../support/temporary-workspace.ts'

describe('mapRepository', () => {
  it('shows the tree, manifests and README, without bookkeeping and generated files', async () => {
    const { workspace } = await temporaryWorkspace({
      'README.md': '# Todo\n',
      'package.json': '{ "name": "todo" }',
      'src/api/server.ts': '',
      'dist/main.js': '',
      '.git/HEAD': '',
      'node_modules/x/index.js': '',
    })
    expect(await mapRepository(workspace)).toEqual({
      tree: ['README.md', 'dist/', 'node_modules/', 'package.json', 'src/', '  api/', '    server.ts'].join('\n'),
      files: [
        { path: 'package.json', text: '{ "name": "todo" }', cut: false },
        { path: 'README.md', text: '# Todo', cut: false },
      ],
      empty: false,
      omitted: [],
    })
  })

  it('says that an empty workspace is empty', async () => {
    const { workspace } = await temporaryWorkspace()
    expect(await mapRepository(workspace)).toEqual({ tree: '', files: [], empty: true, omitted: [] })
  })

  it('keeps to its size by showing less depth, and says what it left out', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `src/part-${index % 10}/file-${index}.ts`)
    const { workspace } = await temporaryWorkspace({
      ...Object.fromEntries(names.map((name) => [name, ''])),
      'README.md': 'ü'.repeat(5000),
    })
    const map = await mapRepository(workspace, { limitBytes: 2000 })
    expect(map.tree).toContain('  part-0/ (30 files)')
    expect(map.omitted).toEqual(['files below level 2', 'the end of README.md'])
    const bytes = Buffer.byteLength(map.tree) + map.files.reduce((sum, file) => sum + Buffer.byteLength(file.text), 0)
    expect(bytes).toBeLessThanOrEqual(2000)
  })
})
