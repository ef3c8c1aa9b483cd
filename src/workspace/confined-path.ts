import { OrchError } from '../errors/orch-error.ts'

const longestPathBytes = 4096
const longestNameBytes = 255
const deepestPath = 64

/**
 * The names of a path as a model or a plan wrote it, relative to the workspace; [] is the workspace itself.
 * Purely lexical: links are the business of the walk that opens the names one by one. An absolute path is accepted
 * when it lies under `root`. Throws ORCH_OUTSIDE_WORKSPACE for everything that leaves, or might on another system.
 */
export function confinedNames(path: string, root: string): readonly string[] {
  const fault = textFault(path)
  if (fault !== null) throw outside(path, fault)
  const names = relativePart(path, root)
    .split('/')
    .filter((name) => name !== '' && name !== '.')
  if (names.length > deepestPath) throw outside(path, `it is deeper than ${deepestPath} directories`)
  for (const name of names) {
    const wrong = nameFault(name)
    if (wrong !== null) throw outside(path, wrong)
  }
  return names
}

/** A refusal of a path, in one line; control characters of the path are shown escaped. */
export function outside(path: string, reason: string): OrchError {
  const shown = JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}...` : path)
  return new OrchError('ORCH_OUTSIDE_WORKSPACE', `${shown} is refused: ${reason}`, {
    hint: 'Use a path relative to the workspace, with / between names and without .., such as src/index.ts.',
  })
}

function textFault(path: string): string | null {
  if (typeof path !== 'string') return 'it is not text'
  // oxlint-disable-next-line no-control-regex -- these are what is refused
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return 'it has control characters'
  if (/\p{Surrogate}/u.test(path)) return 'it is not well-formed Unicode'
  if (path.includes('\\')) return 'it has a backslash'
  if (/^[a-z]:/i.test(path)) return 'it names a drive'
  if (Buffer.byteLength(path) > longestPathBytes) return `it is longer than ${longestPathBytes} bytes`
  return null
}

function relativePart(path: string, root: string): string {
  if (!path.startsWith('/')) return path
  if (path === root) return ''
  if (path.startsWith(`${root}/`)) return path.slice(root.length + 1)
  throw outside(path, 'it is absolute and not under the workspace')
}

function nameFault(name: string): string | null {
  if (name === '..') return 'it goes up with ..'
  if (name === '~') return 'it names a home directory'
  // Windows and some network file systems drop these, so that `.git.` would be `.git`.
  if (/[. ]$/.test(name)) return 'a name ends with a dot or a space'
  if (Buffer.byteLength(name) > longestNameBytes) return `a name is longer than ${longestNameBytes} bytes`
  return null
}
