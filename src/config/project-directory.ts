import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from './paths.ts'

export interface PreparedFile {
  readonly path: string
  readonly change: 'created' | 'extended' | 'kept'
}

const configTemplate = `# Settings of this project; \`orch config list\` shows them all and where each value comes from.
# limits:
#   concurrency: 4
# budget:
#   project_usd: 5
`

/** Makes \`.orch/\` with a configuration file, and keeps it out of version control. Safe to repeat. */
export function prepareProjectDirectory(paths: Paths): {
  readonly config: PreparedFile
  readonly ignore: PreparedFile
} {
  mkdirSync(paths.orchDir, { recursive: true })
  return {
    config: prepareConfig(join(paths.orchDir, 'config.yaml')),
    ignore: prepareIgnore(join(paths.projectDir, '.gitignore')),
  }
}

function prepareConfig(path: string): PreparedFile {
  if (existsSync(path)) return { path, change: 'kept' }
  writeFileSync(path, configTemplate)
  return { path, change: 'created' }
}

/** The directory holds a database and what models wrote: nothing of it belongs into a commit. */
function prepareIgnore(path: string): PreparedFile {
  if (!existsSync(path)) {
    writeFileSync(path, '.orch/\n')
    return { path, change: 'created' }
  }
  const text = readFileSync(path, 'utf8')
  if (text.split(/\r?\n/).some((line) => /^\/?\.orch\/?$/.test(line.trim()))) return { path, change: 'kept' }
  writeFileSync(path, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}.orch/\n`)
  return { path, change: 'extended' }
}
