import { OrchError } from '../errors/orch-error.ts'
import { cutBytes } from './text-lines.ts'
import type { ListedEntry, Workspace } from './workspace.ts'

/** What a planner needs to see of an existing repository. All of it is data written by others, never instructions. */
export interface RepositoryMap {
  /** One path a line, indented by depth; directories end with `/`. */
  readonly tree: string
  /** Manifests and the head of the README, cut to size. */
  readonly files: readonly { readonly path: string; readonly text: string; readonly cut: boolean }[]
  /** Whether there is anything but bookkeeping. */
  readonly empty: boolean
  /** What was left out, one clause each. */
  readonly omitted: readonly string[]
}

export interface RepositoryMapOptions {
  /** Of the whole map. Default 16 KiB. */
  readonly limitBytes?: number
}

const manifestNames = [
  'package.json',
  'pyproject.toml',
  'requirements.txt',
  'go.mod',
  'Cargo.toml',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
  'Gemfile',
  'composer.json',
  'CMakeLists.txt',
  'Makefile',
  'deno.json',
]
const readmeNames = ['README.md', 'README', 'README.rst', 'README.txt', 'readme.md']
/** Made by tools from other files: named in the tree, not entered. */
const generated = /(^|\/)(dist|build|out|target|coverage|vendor|\.venv|venv|__pycache__|\.next|\.nuxt|\.cache)$/
const bookkeeping = /^\.(git|hg|svn|orch)(\/|$)/

const deepestTree = 6
const mostManifests = 4

/** Maps a workspace within a limit of bytes: the tree as deep as fits, then manifests, then the README's head. */
export async function mapRepository(
  workspace: Workspace,
  { limitBytes = 16 * 1024 }: RepositoryMapOptions = {},
): Promise<RepositoryMap> {
  const omitted: string[] = []
  const tree = await treeWithin(workspace, { limitBytes: Math.floor(limitBytes / 2), omitted })
  const files: RepositoryMap['files'][number][] = []
  let room = limitBytes - Buffer.byteLength(tree)
  for (const [names, most] of [
    [manifestNames, mostManifests],
    [readmeNames, 1],
  ] as const) {
    let found = 0
    for (const name of names) {
      const text = found < most ? await textOf(workspace, name) : null
      if (text === null) continue
      found += 1
      // A share each, so that one long manifest does not push the README out.
      const share = Math.floor(Math.min(room, limitBytes / 4))
      const kept = cutBytes(text, share)
      room -= Buffer.byteLength(kept)
      files.push({ path: name, text: kept, cut: kept.length < text.length })
      if (kept.length < text.length) omitted.push(`the end of ${name}`)
    }
  }
  return { tree, files, empty: tree === '', omitted }
}

/** The tree at the greatest depth that fits; at depth 1 it is cut. */
async function treeWithin(
  workspace: Workspace,
  { limitBytes, omitted }: { limitBytes: number; omitted: string[] },
): Promise<string> {
  const { entries, complete } = await workspace.list('', { depth: deepestTree, limit: 10_000 })
  if (!complete) omitted.push('files beyond the first 10,000')
  const shown = entries.filter(({ path }) => !bookkeeping.test(path) && !isGeneratedContent(path))
  for (let depth = deepestTree; depth >= 1; depth -= 1) {
    const tree = shown
      .filter(({ path }) => depthOf(path) <= depth)
      .map((entry) => treeLine(entry, shown, depth))
      .join('\n')
    if (Buffer.byteLength(tree) <= limitBytes) {
      if (depth < deepestTree && shown.some(({ path }) => depthOf(path) > depth))
        omitted.push(`files below level ${depth}`)
      return tree
    }
    if (depth === 1) {
      omitted.push('a part of the top directory')
      return cutBytes(tree, limitBytes).replace(/\n[^\n]*$/, '')
    }
  }
  return ''
}

function treeLine({ path, kind }: ListedEntry, all: readonly ListedEntry[], depth: number): string {
  const level = depthOf(path)
  const line = '  '.repeat(level - 1) + path.slice(path.lastIndexOf('/') + 1)
  if (kind !== 'directory') return line
  if (level < depth) return `${line}/`
  const below = all.filter((entry) => entry.kind === 'file' && entry.path.startsWith(`${path}/`)).length
  return below === 0 ? `${line}/` : `${line}/ (${below} files)`
}

function depthOf(path: string): number {
  return path.split('/').length
}

function isGeneratedContent(path: string): boolean {
  const names = path.split('/')
  return names.some((_name, index) => index > 0 && generated.test(names.slice(0, index).join('/')))
}

async function textOf(workspace: Workspace, name: string): Promise<string | null> {
  try {
    const { text } = await workspace.read(name)
    return text.trim() === '' ? null : text
  } catch (error) {
    if (error instanceof OrchError) return null
    throw error
  }
}
