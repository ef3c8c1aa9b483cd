/** The llm executor: one call; its reply is the result, and the content of the deliverable if there is one. */
import type { JsonSchema, PlannedJob } from '../../domain/plan.ts'
import type { Role } from '../../models/role.ts'
import { literalPrefix, matchesAnyGlob } from '../../workspace/glob.ts'
import { report, type AttemptScene } from '../attempt-scene.ts'
import { readDependencies } from '../dependencies.ts'
import { buildJobPrompt } from '../job-prompt.ts'
import type { Step } from '../journal.ts'
import { chooseForJob } from '../model-choice.ts'
import { modelStep } from '../model-step.ts'
import { toolStep } from '../tool-step.ts'
import { writableGlobs } from '../writable-globs.ts'
import { failedWork, type Work } from './work-result.ts'

const leastOutputTokens = 8192

/** Asks once, and writes the reply where the plan wants it. */
export async function runLlm(scene: AttemptScene, role: Role): Promise<Work> {
  const { attempt, journal } = scene
  const { plan } = attempt.job
  const schema = schemaOfReply(plan)
  const outputTokens = Math.max(leastOutputTokens, 2 * (plan.estimate?.outputTokens ?? 0))
  const needs = schema === null ? [] : (['structured_output'] as const)
  const models = await chooseForJob(scene, { needs, without: ['tools'], outputTokens })
  const { choice, contextTokens, maxOutputTokens, inputBytes } = models
  const dependencies = await readDependencies(scene)
  const prompt = buildJobPrompt({ attempt, role, dependencies, task: null, limitBytes: inputBytes })
  const { system } = prompt
  const messages = [{ role: 'user', text: promptWithTasks(prompt.user, plan) }] as const
  const request = { system, messages, tools: [], schema, maxOutputTokens }
  const stored = { system, messages, contextTokens }
  const spec = { taskOrdinal: 1, kind: 'model', name: 'llm', request: stored, identity: request } as const
  report(scene, { kind: 'model', name: 'reply', model: choice.chain[0]?.model.name ?? null })
  const { callTimeoutMs: timeoutMs, job: jobLimits } = scene.deps.limits
  const asked = await modelStep(journal, { spec, request, choice, timeoutMs, jobLimits })
  if (asked.kind === 'ended') return asked
  const { reply, rehearsed } = asked.output
  const written = await writeReply(scene, reply.text)
  if (written?.kind === 'ended') return written
  return {
    kind: 'finished',
    summary: firstLines(reply.text),
    claims: [],
    reply: reply.text,
    exit: null,
    strayFiles: [],
    writtenFiles: written === null ? [] : [written.output.path],
    rehearsed,
  }
}

/** One call has no turns: its steps are instructions to follow in one go. */
function promptWithTasks(prompt: string, plan: PlannedJob): string {
  if (plan.tasks.length === 0) return prompt
  const steps = plan.tasks.map(({ title, description }, index) => `${index + 1}. ${title}\n${description}`.trim())
  return `${prompt}\n\n## Steps to follow in this one reply\n<data>\n${steps.join('\n')}\n</data>`
}

/** The reply is asked for by the schema that it, or the file it becomes, will be checked by. */
function schemaOfReply(plan: PlannedJob): { readonly name: string; readonly schema: JsonSchema } | null {
  const path = deliverableOf(plan)
  for (const check of plan.acceptance) {
    if (check.check === 'schema' && (check.path === null || check.path === path)) {
      return { name: `check_${check.id.replaceAll(/[^A-Za-z0-9_]/g, '_')}`.slice(0, 60), schema: check.schema }
    }
  }
  return null
}

/** The path of the one deliverable, where it is one and no pattern. */
function deliverableOf({ deliverables }: PlannedJob): string | null {
  const [path, ...others] = deliverables
  return path !== undefined && others.length === 0 && literalPrefix(path) === path ? path : null
}

async function writeReply(
  scene: AttemptScene,
  text: string,
): Promise<Step<{ readonly path: string }> | Extract<Work, { kind: 'ended' }> | null> {
  const { attempt, workspace, journal } = scene
  const { plan } = attempt.job
  const path = deliverableOf(plan)
  if (path === null) return null
  const writes = writableGlobs(plan)
  if (writes !== null && !matchesAnyGlob(writes, path)) {
    const message = `the reply belongs in ${path}, which is not among the files this job may write`
    return failedWork('config', message, { retryable: false })
  }
  const content = contentOf(text, path)
  return toolStep(journal, {
    spec: { taskOrdinal: 1, kind: 'tool', name: 'write', request: { path, content } },
    effect: { kind: 'file', workspace, path: workspace.normalize(path) },
    work: async () => {
      await workspace.write(path, content)
      return { path }
    },
    alreadyDone: () => ({ path }),
  })
}

const wholeFence = /^\s*```[^\n`]*\n([\s\S]*?)\n?```\s*$/

/** Models like to fence a file's content although told not to; in Markdown a fence may be meant. */
function contentOf(text: string, path: string): string {
  const inner = /\.(md|markdown)$/i.test(path) ? undefined : wholeFence.exec(text)?.[1]
  const content = inner === undefined || inner.includes('```') ? text : inner
  return content.endsWith('\n') ? content : `${content}\n`
}

const summaryBytes = 2000

function firstLines(text: string): string {
  return text.length <= summaryBytes ? text : `${text.slice(0, summaryBytes)}...`
}
