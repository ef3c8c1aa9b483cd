import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import envPaths from 'env-paths'

/** Where orch keeps things. */
export interface Paths {
  /** Credentials, trust and the user's own settings. `ORCH_CONFIG_DIR` moves it. */
  readonly userConfigDir: string
  /** Spool and logs of this host. `ORCH_STATE_DIR` moves it. */
  readonly stateDir: string
  /** The directory that holds `.orch/`: the nearest one upwards, else the current one. */
  readonly projectDir: string
  /** `.orch` of `projectDir`; it may not exist yet. */
  readonly orchDir: string
}

/** Finds the directories for a working directory. Creates nothing. */
export function findPaths(cwd: string, env: NodeJS.ProcessEnv): Paths {
  const user = envPaths('orch', { suffix: '' })
  const projectDir = nearestProject(cwd) ?? resolve(cwd)
  return {
    userConfigDir: env['ORCH_CONFIG_DIR'] ?? user.config,
    stateDir: env['ORCH_STATE_DIR'] ?? user.log,
    projectDir,
    orchDir: join(projectDir, '.orch'),
  }
}

function nearestProject(start: string): string | undefined {
  for (let directory = resolve(start); ; directory = dirname(directory)) {
    if (existsSync(join(directory, '.orch'))) return directory
    if (directory === dirname(directory)) return undefined
  }
}
