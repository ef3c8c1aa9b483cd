/**
 * The agent executor: one conversation per task, in which every model call and every tool call is an errand.
 * `submit` ends a task, the last task ends the job. What the model says it did is passed on, never believed.
 */
import { changeTask, resetTasks } from '../../database/repositories/task-repository.ts'
import type { PlannedTask } from '../../domain/plan.ts'
import type { Role } from '../../models/role.ts'
import type { ChatMessage, ToolCall, ToolSpec } from '../../providers/model-client.ts'
import { report, type AttemptScene } from '../attempt-scene.ts'
import { fitConversation } from '../conversation.ts'
import { readDependencies } from '../dependencies.ts'
import { buildJobPrompt, type JobPrompt } from '../job-prompt.ts'
import { chooseForJob, type ModelChoice } from '../model-choice.ts'
import { modelStep, type ModelOutput } from '../model-step.ts'
import type { Step } from '../journal.ts'
import { RepetitionGuard } from '../repetition-guard.ts'
import { toolsFor } from '../tools/tools-for.ts'
import { parseSubmission, submitSpec, type Submission } from './submit.ts'
import { ToolBench } from './tool-bench.ts'
import { failedWork, type Work } from './work-result.ts'

const outputTokens = 8192

/** Works through the tasks of a job. */
export async function runAgent(scene: AttemptScene, role: Role): Promise<Work> {
  const models = await chooseForJob(scene, { needs: ['tools'], without: [], outputTokens })
  const dependencies = await readDependencies(scene)
  const run = new AgentRun(scene, role, models)
  const { plan } = scene.attempt.job
  await run.begin()
  const done: Submission[] = []
  const tasks: readonly (PlannedTask | null)[] = plan.tasks.length === 0 ? [null] : plan.tasks
  for (const [index, task] of tasks.entries()) {
    const summaries = done.map(({ summary }) => summary)
    const stage = task === null ? null : { task, ordinal: index + 1, done: summaries }
    const limitBytes = Math.floor(models.inputBytes / 2)
    const prompt = buildJobPrompt({ attempt: scene.attempt, role, dependencies, task: stage, limitBytes })
    const end = await run.converse(index + 1, prompt)
    if (end.kind === 'ended') return end
    done.push(end.submission)
  }
  return run.finish(done)
}

type TaskEnd = Extract<Work, { kind: 'ended' }> | { readonly kind: 'submitted'; readonly submission: Submission }

class AgentRun {
  readonly #scene: AttemptScene
  readonly #models: ModelChoice
  readonly #bench: ToolBench
  readonly #tools: readonly ToolSpec[]
  #rehearsed = false

  constructor(scene: AttemptScene, role: Role, models: ModelChoice) {
    this.#scene = scene
    this.#models = models
    const tools = toolsFor(role.tools)
    this.#bench = new ToolBench(scene, role, tools)
    this.#tools = [...[...tools.values()].map(({ spec }) => spec), submitSpec]
  }

  /** Expands the tasks of a try that begins. */
  async begin(): Promise<void> {
    const { journal, attempt } = this.#scene
    const { tasks } = attempt.job.plan
    if (!journal.isEmpty || tasks.length === 0) return
    await journal.start('tasks', async (trx, present, nowMs) => {
      if (present.has('tasks')) await resetTasks(trx, attempt.job.id, { tasks, nowMs })
    })
  }

  async converse(taskOrdinal: number, prompt: JobPrompt): Promise<TaskEnd> {
    const messages: ChatMessage[] = [{ role: 'user', text: prompt.user }]
    const guard = new RepetitionGuard()
    let nudged = false
    const { turns } = this.#scene.deps.limits
    for (let turn = 1; turn <= turns; turn++) {
      const asked = await this.#ask({ taskOrdinal, turn, system: prompt.system, messages })
      if (asked.kind === 'ended') return asked
      const { text, toolCalls } = asked.output.reply
      messages.push({ role: 'assistant', text, toolCalls })
      if (toolCalls.length === 0) {
        if (nudged) return proseOnly()
        nudged = true
        messages.push({ role: 'user', text: nudge })
        continue
      }
      const end = await this.#useTools(toolCalls, { taskOrdinal, messages, guard })
      if (end !== null) return end
    }
    return failedWork('turn_limit', `no submission after ${turns} model calls, the most of one task (limits.turns)`, {
      hint: 'Split the task, or raise limits.turns',
    })
  }

  finish(done: readonly Submission[]): Work {
    const summary = done.map((submission) => submission.summary).join('\n\n')
    return {
      kind: 'finished',
      summary,
      claims: [...new Set(done.flatMap(({ claims }) => claims))],
      reply: summary,
      exit: null,
      strayFiles: this.#bench.strayFiles,
      writtenFiles: this.#bench.writtenFiles,
      rehearsed: this.#rehearsed,
    }
  }

  async #ask(ask: {
    readonly taskOrdinal: number
    readonly turn: number
    readonly system: string
    readonly messages: readonly ChatMessage[]
  }): Promise<Step<ModelOutput>> {
    const { choice, contextTokens, maxOutputTokens, inputBytes } = this.#models
    const { taskOrdinal, turn, system } = ask
    report(this.#scene, { kind: 'model', name: `turn ${turn}`, model: choice.chain[0]?.model.name ?? null })
    const frameBytes = Buffer.byteLength(system) + Buffer.byteLength(JSON.stringify(this.#tools))
    const messages = fitConversation(ask.messages, inputBytes - frameBytes)
    const request = { system, messages, tools: this.#tools, schema: null, maxOutputTokens }
    // Each turn stores what is new; the whole is hashed, so that a replay that differs anywhere is noticed.
    const fresh = messages.slice(messages.findLastIndex((message) => message.role === 'assistant') + 1)
    const stored = turn === 1 ? { system, messages, contextTokens } : { messages: fresh, contextTokens }
    const spec = { taskOrdinal, kind: 'model', name: 'agent', request: stored, identity: request } as const
    const { limits } = this.#scene.deps
    const step = await modelStep(this.#scene.journal, {
      spec,
      request,
      choice,
      timeoutMs: limits.callTimeoutMs,
      jobLimits: limits.job,
    })
    if (step.kind === 'done') this.#rehearsed ||= step.output.rehearsed
    return step
  }

  /** Null while the conversation goes on. */
  async #useTools(
    calls: readonly ToolCall[],
    turn: { readonly taskOrdinal: number; readonly messages: ChatMessage[]; readonly guard: RepetitionGuard },
  ): Promise<TaskEnd | null> {
    const { taskOrdinal, messages, guard } = turn
    for (const call of calls) {
      const submission = call.name === submitSpec.name ? parseSubmission(call.input) : null
      if (submission !== null && submission.kind === 'valid') return this.#submit(taskOrdinal, submission.submission)
      const used =
        submission === null
          ? await this.#bench.use(taskOrdinal, call)
          : await this.#bench.refuse(taskOrdinal, call, submission.reason)
      if (used.kind === 'ended') return used
      const { output, changes } = used.output
      messages.push({ role: 'tool', callId: call.id, name: call.name, output })
      const repeated = guard.note({ name: call.name, input: call.input, output, changes })
      if (repeated !== null) return stuck(repeated)
    }
    return null
  }

  async #submit(taskOrdinal: number, submission: Submission): Promise<TaskEnd> {
    const { attempt } = this.#scene
    const change = {
      jobId: attempt.job.id,
      ordinal: taskOrdinal,
      state: 'completed',
      summary: submission.summary,
    } as const
    const noted = await this.#bench.note(taskOrdinal, submission, async (trx, present, nowMs) => {
      if (present.has('tasks')) await changeTask(trx, { ...change, nowMs })
    })
    if (noted.kind === 'ended') return noted
    return { kind: 'submitted', submission }
  }
}

const nudge =
  'Nothing has happened: text alone ends nothing. Use the tools to do the work, and call submit when it is done.'

function proseOnly(): TaskEnd {
  return failedWork('malformed', 'the model answered with text instead of calling tools, twice', {
    hint: 'Choose a model that can call tools: see `orch models list`',
  })
}

function stuck(repeated: string): TaskEnd {
  return failedWork('repetition', repeated, {
    hint: 'Say in the job what to do when this does not help, or choose another model: see `orch models pick`',
  })
}
