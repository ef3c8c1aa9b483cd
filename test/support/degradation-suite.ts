/** At least one call of every command. Each is made on the stage as it was filled, in no order. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandModule } from '../../src/cli/command.ts'
import { nouns, topLevel } from '../../src/cli/program.ts'

/** Stands for the address of a database on the other engine. */
export const otherEngine = '<other engine>'

/** The words of one call for each command. */
const calls: Readonly<Record<string, readonly string[]>> = {
  doctor: [],
  'config list': [],
  'config get': ['limits.turns'],
  'config set': ['--shared', 'limits.turns', '7'],
  'config unset': ['--shared', 'limits.turns'],
  'roles list': [],
  'roles show': ['engineer'],
  'roles seed': [],
  'roles add': ['editor', '--title', 'Editor', '--prompt-file', 'prompt.md'],
  'roles edit': ['poet', '--title', 'Bard'],
  'providers list': [],
  'providers detect': [],
  'providers add': ['other', '--kind', 'rehearsal'],
  'providers show': ['lab'],
  'providers edit': ['lab', '--label', 'Laboratory'],
  'providers test': ['lab'],
  'providers disable': ['lab'],
  'providers enable': ['spare'],
  'providers key': ['cloud', '--env', 'LAB_KEY'],
  'providers remove': ['spare'],
  'models list': [],
  'models sync': [],
  'models show': ['lab/simulated'],
  'models doctor': [],
  'models pick': ['poet'],
  'models pin': ['poet', 'lab/simulated'],
  'project plan': ['Look at this directory', '--blueprint', 'repo-report'],
  'project list': [],
  'project show': ['sample'],
  'project graph': ['sample'],
  'project export': ['sample'],
  'project apply': ['plan.yaml'],
  'project approve': ['draft', '--yes'],
  'project pause': ['sample'],
  'project resume': ['resting'],
  'project cancel': ['sample', '--yes'],
  'jobs list': [],
  'jobs show': ['sample/failed'],
  'jobs why': ['sample/b'],
  'jobs logs': ['sample/failed'],
  'jobs hold': ['sample/a'],
  'jobs release': ['sample/held'],
  'jobs run': ['--until-idle', '--max-wait', '0'],
  'jobs cancel': ['sample/a', '--yes'],
  'jobs retry': ['sample/failed'],
  'jobs watch': ['over'],
  usage: [],
  bench: ['--jobs', '1'],
  schema: ['plan'],
  completion: ['bash'],
  'db trust': [],
  'db status': [],
  'db check': [],
  'db backup': [],
  'db restore': ['no-such-backup', '--yes'],
  'db migrate': ['--dry-run'],
  'db transfer': ['--dry-run', '--to', otherEngine],
  'db adopt': ['--from-schema', 'nowhere', '--dry-run'],
  init: [],
}

/** The words of further calls: together with the first they touch every table that the command ever touches. */
const furtherCalls: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'config set': [['limits.turns', '7']],
  'roles show': [['poet']],
  'models doctor': [['--fix']],
  'project plan': [
    ['--from', 'plan.yaml', '--dry-run'],
    ['A goal', '--model', 'lab/simulated'],
  ],
  'project apply': [['sample.yaml', '--approve']],
  'jobs list': [['--schedulers']],
  'jobs show': [['sample/b']],
  'jobs run': [['--dry-run'], ['--rehearse', '--until-idle', '--latency', '0']],
  'jobs retry': [
    ['--failed', 'sample'],
    ['sample/failed', '--continue'],
    ['--rehearsed', 'over'],
  ],
  usage: [['--by', 'role']],
}

/** The commands that are called, and the words of each of their calls. */
export const catalogue: ReadonlyMap<string, readonly (readonly string[])[]> = new Map(
  Object.entries(calls).map(([path, words]) => [path, [words, ...(furtherCalls[path] ?? [])]]),
)

/** Runs for a long time by design, or makes its own tables. */
export const calledElsewhere: readonly string[] = ['quickstart']

/** Every command there is, as `jobs list` or `init`. */
export const everyCommand: readonly string[] = [
  ...Object.keys(topLevel),
  ...Object.entries(nouns).flatMap(([noun, { verbs }]) => Object.keys(verbs).map((verb) => `${noun} ${verb}`)),
]

/** The command of a path. Throws where there is none. */
export async function commandModule(path: string): Promise<CommandModule> {
  const load = loaderOf(path)
  if (load === undefined) throw new Error(`there is no command ${path}`)
  return (await load()).command
}

/** Whether this version has the command; the words of one that is being built may be here already. */
export function isBuilt(path: string): boolean {
  return loaderOf(path) !== undefined
}

function loaderOf(path: string) {
  const [first = '', second] = path.split(' ')
  return second === undefined ? topLevel[first] : nouns[first]?.verbs[second]
}

const planFile = (project: string) => `version: 1
project: ${project}
goal: Another goal
jobs:
  - { key: a, title: One, description: First, role: general_worker, deliverables: [one.md], tasks: [{ title: T, description: D }] }
  - { key: two, title: Two, description: Second, role: general_worker, depends_on: [a], deliverables: [two.md] }
`

/** The files that some calls read. */
export function writeCallFiles(cwd: string): void {
  writeFileSync(join(cwd, 'plan.yaml'), planFile('other'))
  writeFileSync(join(cwd, 'sample.yaml'), planFile('sample'))
  writeFileSync(join(cwd, 'prompt.md'), 'You edit.')
}
