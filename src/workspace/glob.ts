/**
 * Globs over workspace paths, which are relative and use `/`: `*` and `?` stay within one name (dot files included),
 * `**` spans any number of names, `{a,b}` is either. Everything else, brackets too, is literal: `app/[id].ts` is a file.
 * Own code, because globs come from models: matching must be linear in practice and never a regular expression bomb.
 */

const mostExpansions = 256
const longestGlob = 1024

/** Whether a workspace path fits the glob. A faulty glob (see `globFault`) fits nothing. */
export function matchesGlob(glob: string, path: string): boolean {
  return compileGlobs([glob])(path)
}

/** Whether a workspace path fits at least one of the globs. */
export function matchesAnyGlob(globs: readonly string[], path: string): boolean {
  return compileGlobs(globs)(path)
}

/** `matchesAnyGlob` prepared once for many paths. */
export function compileGlobs(globs: readonly string[]): (path: string) => boolean {
  const patterns = globs
    .filter((glob) => globFault(glob) === null)
    .flatMap(expandBraces)
    .map(globSegments)
  return (path) => {
    const names = segments(path)
    return patterns.some((pattern) => matchesNames(pattern, names))
  }
}

/** What is wrong with a glob, as one clause, or null. Globs are relative and stay inside the workspace. */
export function globFault(glob: string): string | null {
  if (glob.trim() === '') return 'is empty'
  if (glob.length > longestGlob) return `is longer than ${longestGlob} characters`
  if (glob.startsWith('/') || /^[a-z]:/i.test(glob)) return 'is absolute; paths are relative to the workspace'
  if (glob.includes('\\')) return 'has a backslash; paths use /'
  if (glob.includes('\0')) return 'has a NUL character'
  const expanded = expandBraces(glob)
  if (expanded.length > mostExpansions) return `has more than ${mostExpansions} alternatives`
  if (expanded.some((plainGlob) => segments(plainGlob).includes('..'))) return 'leaves the workspace with ..'
  return null
}

/**
 * The longest leading path without wildcards: `src/api/*.ts` is `src/api`, `package.json` is itself, `**` is ''.
 * Two globs can only meet when one prefix contains the other.
 */
export function literalPrefix(glob: string): string {
  const names = globSegments(glob)
  const firstWild = names.findIndex((name) => /[*?{}]/.test(name))
  return (firstWild === -1 ? names : names.slice(0, firstWild)).join('/')
}

function segments(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/** A trailing slash means everything below. */
function globSegments(glob: string): string[] {
  return segments(glob.endsWith('/') ? `${glob}**` : glob)
}

/** All alternatives of `{a,b{c,d}}`; stops just past the limit, which `globFault` then reports. */
function expandBraces(glob: string): string[] {
  const done: string[] = []
  const waiting = [glob]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const group = innermostGroup(next)
    if (group === null) done.push(next)
    else for (const choice of group.choices) waiting.push(group.before + choice + group.after)
    if (done.length + waiting.length > mostExpansions) return [...done, ...waiting]
  }
  return done
}

function innermostGroup(glob: string): { before: string; choices: string[]; after: string } | null {
  const found = /\{([^{}]*,[^{}]*)\}/.exec(glob)
  if (found === null) return null
  const [whole, inner = ''] = found
  return {
    before: glob.slice(0, found.index),
    choices: inner.split(','),
    after: glob.slice(found.index + whole.length),
  }
}

/** Greedy matching with one point of return for the last `**`: at most globs x names steps. */
function matchesNames(globs: readonly string[], names: readonly string[]): boolean {
  return matchWithStar({
    pattern: globs,
    text: names,
    isStar: (glob) => glob === '**',
    fits: matchesName,
    // `src/**` is what lies below src, not src itself.
    starNeedsOne: true,
  })
}

function matchesName(glob: string, name: string): boolean {
  return matchWithStar({
    pattern: Array.from(glob),
    text: Array.from(name),
    isStar: (character) => character === '*',
    fits: (character, other) => character === '?' || character === other,
    starNeedsOne: false,
  })
}

interface StarMatch {
  readonly pattern: readonly string[]
  readonly text: readonly string[]
  readonly isStar: (part: string) => boolean
  readonly fits: (part: string, other: string) => boolean
  /** Whether a star at the very end must take something. */
  readonly starNeedsOne: boolean
}

function matchWithStar({ pattern, text, isStar, fits, starNeedsOne }: StarMatch): boolean {
  let at = 0
  let star = -1
  let taken = 0
  let position = 0
  while (position < text.length) {
    const part = pattern[at]
    const other = text[position] ?? ''
    if (part !== undefined && isStar(part)) {
      star = at
      taken = position
      at += 1
    } else if (part !== undefined && fits(part, other)) {
      at += 1
      position += 1
    } else if (star !== -1) {
      at = star + 1
      taken += 1
      position = taken
    } else return false
  }
  const rest = pattern.slice(at)
  return rest.every(isStar) && !(starNeedsOne && rest.length > 0)
}
