import { isAbsolute, relative, resolve, delimiter } from 'node:path'

/** Variables a child may see, apart from those of orch itself. Everything else, keys above all, stays behind. */
const allowedNames = new Set(['PATH', 'HOME', 'LANG', 'TERM', 'TMPDIR', 'TZ', 'USER', 'LOGNAME', 'SHELL'])
/** What Windows programs cannot start without. */
const windowsNames = new Set([
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'COMSPEC',
  'PATHEXT',
  'TEMP',
  'TMP',
  'USERPROFILE',
  'APPDATA',
])

export interface ChildEnvironmentOptions {
  /** The working directory of the child: programs lying in it are not found by name. */
  readonly cwd: string
  readonly platform?: NodeJS.Platform
}

/**
 * The environment of a child: an empty one plus the allowed names of `source`. PATH loses relative directories and
 * those inside `cwd`, so that a file an agent wrote there never answers to the name of an allowed command.
 */
export function childEnvironment(
  source: Readonly<Record<string, string | undefined>>,
  { cwd, platform = process.platform }: ChildEnvironmentOptions,
): Record<string, string> {
  const child: Record<string, string> = {}
  for (const [name, value] of Object.entries(source)) {
    const key = platform === 'win32' ? name.toUpperCase() : name
    const allowed = allowedNames.has(key) || key.startsWith('LC_') || (platform === 'win32' && windowsNames.has(key))
    if (value !== undefined && allowed) child[name] = key === 'PATH' ? outsidePath(value, cwd) : value
  }
  return child
}

function outsidePath(path: string, cwd: string): string {
  const root = resolve(cwd)
  return path
    .split(delimiter)
    .filter((directory) => isAbsolute(directory) && !isInside(root, directory))
    .join(delimiter)
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way === '' || (!way.startsWith('..') && !isAbsolute(way))
}
