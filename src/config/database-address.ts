import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Paths } from './paths.ts'
import type { Settings } from './settings.ts'

/** Which database a call uses, and why. */
export interface DatabaseAddress {
  readonly url: string
  readonly source: 'flag' | 'environment' | 'project file' | 'user file' | 'nearest .orch' | 'default'
}

export interface AddressInput {
  readonly flag: string | undefined
  /** Settings without the database's own layer. */
  readonly settings: Settings
  readonly paths: Paths
  readonly cwd: string
}

/**
 * `--db` > `ORCH_DATABASE_URL` > configuration files > the nearest `.orch/orch.db` upwards > `.orch/orch.db`
 * here. `DATABASE_URL` is never picked up: it belongs to the user's own application.
 */
export function findDatabaseAddress({ flag, settings, paths, cwd }: AddressInput): DatabaseAddress {
  if (flag !== undefined) return { url: absoluteAddress(flag, cwd), source: 'flag' }
  const { value, source } = settings.resolved('database')
  if (typeof value === 'string' && source !== 'default' && source !== 'database' && source !== 'flag') {
    // A path in a file is relative to the project, one in the environment to where the user stands.
    return { url: absoluteAddress(value, source === 'environment' ? cwd : paths.projectDir), source }
  }
  const url = join(paths.orchDir, 'orch.db')
  return { url, source: existsSync(url) ? 'nearest .orch' : 'default' }
}

/** A file's path relative to `base`; the address of a server, or of a database in memory, as it is. */
export function absoluteAddress(url: string, base: string): string {
  if (url.includes('://') || url === ':memory:') return url
  return resolve(base, url.replace(/^(sqlite|file):/i, ''))
}
