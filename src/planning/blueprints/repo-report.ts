import type { JsonSchema, PlannedJob } from '../../domain/plan.ts'
import { commandCheck, fileCheck, fixedBlueprint, type Blueprint } from './blueprint.ts'
import { plannedJob } from '../planned-job.ts'
import { reportCommand, reportFolder } from './repo-report-scripts.ts'

type Program = Parameters<typeof reportCommand>[0]

const at = (name: string) => `${reportFolder}/${name}`

interface Measurement {
  readonly key: Program
  readonly title: string
  readonly description: string
  readonly schema: JsonSchema
}

/** A job that measures the workspace with a program and writes what it found as JSON. */
function measure({ key, title, description, schema }: Measurement, overrides: Partial<PlannedJob> = {}): PlannedJob {
  const file = at(`${key}.json`)
  return plannedJob({
    key,
    title,
    description,
    executor: 'command',
    run: reportCommand(key),
    timeoutMs: 120_000,
    repeatable: true,
    dependsOn: ['inventory'],
    deliverables: [file],
    acceptance: [
      fileCheck('written', file, 'generatedAt'),
      { id: 'well-formed', check: 'schema', path: file, schema: { type: 'object', ...schema } },
    ],
    ...overrides,
  })
}

const inventory = measure(
  {
    key: 'inventory',
    title: 'List the files',
    description:
      'Lists every file of the workspace with size and time of change, without dependencies and build output.',
    schema: {
      required: ['fileCount', 'bytes', 'files'],
      properties: { fileCount: { type: 'integer', minimum: 0 }, files: { type: 'array' } },
    },
  },
  // It clears the report of an earlier run first, hence more than its own file.
  { dependsOn: [], priority: 'high', writes: [`${reportFolder}/**`] },
)

const languages = measure(
  {
    key: 'languages',
    title: 'Count lines per kind of file',
    description: 'Counts files, lines and blank lines per file extension.',
    schema: { required: ['lines', 'kinds'], properties: { kinds: { type: 'array' } } },
  },
  {},
)

const measurements: readonly PlannedJob[] = [
  inventory,
  { ...languages, acceptance: [...languages.acceptance, commandCheck('adds-up', reportCommand('addsUp'))] },
  measure({
    key: 'largest',
    title: 'Find the largest and the newest files',
    description: 'Lists the twenty largest and the twenty most recently changed files.',
    schema: { required: ['largest', 'newest'], properties: { largest: { type: 'array', maxItems: 20 } } },
  }),
  measure({
    key: 'markers',
    title: 'Collect open markers',
    description: 'Collects TODO, FIXME, HACK and XXX comments with file and line.',
    schema: { required: ['count', 'markers'], properties: { count: { type: 'integer', minimum: 0 } } },
  }),
  measure({
    key: 'readme',
    title: 'Read the README',
    description: 'Finds the README, its headings, and whether it says how to install, use and test.',
    schema: { required: ['path', 'words', 'headings'], properties: { headings: { type: 'array' } } },
  }),
]

const written: readonly PlannedJob[] = [
  plannedJob({
    key: 'overview',
    title: 'Describe the repository',
    description:
      'From the measurements of the jobs before: say in at most 200 words what kind of repository this is, what it is mostly written in, where its weight lies and what stands out. Markdown, no heading. State only what the measurements show.',
    executor: 'llm',
    role: 'writer',
    dependsOn: ['inventory', 'languages', 'largest'],
    deliverables: [at('overview.md')],
    acceptance: [fileCheck('written', at('overview.md'))],
    estimate: { inputTokens: 4000, outputTokens: 600 },
  }),
  plannedJob({
    key: 'readme-review',
    title: 'Review the README',
    description:
      'Judge the README that the job before found, as a newcomer would: what it explains well, what is missing or unclear, and the three changes that would help most, each with the words to write. Markdown, no heading. If there is no README, say so and propose one of ten lines.',
    executor: 'llm',
    role: 'researcher',
    dependsOn: ['readme'],
    deliverables: [at('readme-review.md')],
    acceptance: [fileCheck('written', at('readme-review.md'))],
    estimate: { inputTokens: 5000, outputTokens: 1000 },
  }),
  plannedJob({
    key: 'next-steps',
    title: 'Propose next steps',
    description: `Look at the open markers and at the files they stand in, then write ${at('next-steps.md')}: the three most worthwhile next steps for this repository, each with its reason and the place in the code. Markdown, no heading.`,
    executor: 'agent',
    role: 'researcher',
    needs: ['tools'],
    dependsOn: ['markers', 'languages'],
    deliverables: [at('next-steps.md')],
    acceptance: [fileCheck('written', at('next-steps.md'))],
    estimate: { inputTokens: 30_000, outputTokens: 2500 },
  }),
]

const report = plannedJob({
  key: 'report',
  title: 'Assemble the report',
  description: 'Puts measurements and texts together into one document.',
  executor: 'command',
  run: reportCommand('assemble'),
  timeoutMs: 60_000,
  repeatable: true,
  dependsOn: [...measurements, ...written].map(({ key }) => key),
  deliverables: [at('report.md')],
  acceptance: [
    fileCheck('written', at('report.md'), '# Repository report'),
    fileCheck('complete', at('report.md'), '## Next steps'),
  ],
})

/** The sample of `orch quickstart`: measures any folder with plain Node, then has models read the measurements. */
export const repoReport: Blueprint = fixedBlueprint({
  name: 'repo-report',
  summary: 'measures a folder and writes a report about it',
  goal: `A report about this folder in ${reportFolder}/report.md: size, languages, largest files, README, next steps`,
  commands: [],
  jobs: [...measurements, ...written, report],
})
