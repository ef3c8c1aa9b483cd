/** A plan's graph as text for other programs. Labels are quoted so that no title can leave its place. */
import type { Plan, PlannedJob } from '../domain/plan.ts'

export const graphFormats = ['mermaid', 'dot'] as const
export type GraphFormat = (typeof graphFormats)[number]

/** Draws dependencies as arrows to what waits for them. */
export function graphText(plan: Pick<Plan, 'jobs' | 'project'>, format: GraphFormat): string {
  return format === 'dot' ? toDot(plan) : toMermaid(plan)
}

function toMermaid({ jobs }: Pick<Plan, 'jobs'>): string {
  const names = new Map(jobs.map((job, index) => [job.key, `job${index}`]))
  const nodes = jobs.map((job) => `  ${names.get(job.key)}["${label(job, mermaidText, '<br>')}"]`)
  const edges = edgesOf(jobs).map(([from, to]) => `  ${names.get(from)} --> ${names.get(to)}`)
  return ['flowchart LR', ...nodes, ...edges, ''].join('\n')
}

function toDot({ jobs, project }: Pick<Plan, 'jobs' | 'project'>): string {
  const nodes = jobs.map((job) => `  ${dotText(job.key)} [label=${quote(label(job, escapeDot, String.raw`\n`))}];`)
  const edges = edgesOf(jobs).map(([from, to]) => `  ${dotText(from)} -> ${dotText(to)};`)
  return [`digraph ${dotText(project)} {`, '  rankdir=LR;', '  node [shape=box];', ...nodes, ...edges, '}', ''].join(
    '\n',
  )
}

function label(job: PlannedJob, clean: (text: string) => string, lineBreak: string): string {
  return [job.key, job.title, job.role ?? job.executor].map((text) => clean(oneLine(text))).join(lineBreak)
}

function edgesOf(jobs: readonly PlannedJob[]): readonly (readonly [string, string])[] {
  const known = new Set(jobs.map(({ key }) => key))
  return jobs.flatMap((job) => job.dependsOn.filter((key) => known.has(key)).map((key) => [key, job.key] as const))
}

/** Mermaid reads entities inside quotes; everything it could take for markup becomes one. */
function mermaidText(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} .,:/()_+=-]/gu, (character) => `#${character.codePointAt(0)};`)
}

function dotText(text: string): string {
  return quote(escapeDot(text))
}

function quote(text: string): string {
  return `"${text}"`
}

function escapeDot(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`)
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim()
}
