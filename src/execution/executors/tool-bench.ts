/** The tools of one agent attempt, each call an errand. */
import type { ToolName } from '../../domain/tool-name.ts'
import type { Role } from '../../models/role.ts'
import type { ToolCall } from '../../providers/model-client.ts'
import { report, type AttemptScene } from '../attempt-scene.ts'
import type { AlsoWrite, Step } from '../journal.ts'
import { toolStep, type Effect } from '../tool-step.ts'
import type { Tool, ToolContext, ToolResult } from '../tools/tool.ts'
import { writableGlobs } from '../writable-globs.ts'
import type { Submission } from './submit.ts'

/** What a tool call came to, as the journal keeps it. */
export interface ToolOutput {
  readonly output: string
  /** Whether it changed the workspace. */
  readonly changes: boolean
  readonly path: string | null
  /** What the file at `path` was afterwards: a repair looks whether it still is. */
  readonly sha256?: string
  readonly strayFiles: readonly string[]
}

const defaultCommandTimeoutMs = 10 * 60_000

export class ToolBench {
  readonly #scene: AttemptScene
  readonly #tools: ReadonlyMap<ToolName, Tool>
  readonly #context: ToolContext
  readonly #stray = new Set<string>()
  readonly #written = new Set<string>()
  /** Files the command under way changed outside `writes`. */
  #strayNow: readonly string[] = []

  constructor(scene: AttemptScene, role: Role, tools: ReadonlyMap<ToolName, Tool>) {
    this.#scene = scene
    this.#tools = tools
    this.#context = this.#contextFor(role)
  }

  get strayFiles(): readonly string[] {
    return [...this.#stray]
  }

  get writtenFiles(): readonly string[] {
    return [...this.#written]
  }

  /** Runs a call, or replays what it came to. A refusal is an output for the model. */
  async use(taskOrdinal: number, call: ToolCall): Promise<Step<ToolOutput>> {
    const tool = [...this.#tools.values()].find(({ spec }) => spec.name === call.name)
    if (tool === undefined) return this.refuse(taskOrdinal, call, this.#unknown(call.name))
    report(this.#scene, { kind: tool.effect === 'command' ? 'command' : 'tool', name: call.name })
    return this.#step(taskOrdinal, call, { effect: this.#effectOf(tool, call), work: () => this.#run(tool, call) })
  }

  /** Answers a call that no tool takes. */
  refuse(taskOrdinal: number, call: ToolCall, reason: string): Promise<Step<ToolOutput>> {
    return this.#step(taskOrdinal, call, { effect: { kind: 'none' }, work: async () => unchanged(reason) })
  }

  /** Notes the end of a task; `also` is committed with it. */
  note(taskOrdinal: number, submission: Submission, also: AlsoWrite): Promise<Step<Submission>> {
    return toolStep(this.#scene.journal, {
      spec: { taskOrdinal, kind: 'tool', name: 'submit', request: submission },
      effect: { kind: 'none' },
      work: async () => submission,
      alreadyDone: () => submission,
      also,
    })
  }

  async #step(
    taskOrdinal: number,
    { name, input }: ToolCall,
    { effect, work }: { readonly effect: Effect; readonly work: () => Promise<ToolOutput> },
  ): Promise<Step<ToolOutput>> {
    const kind = effect.kind === 'command' ? 'command' : 'tool'
    const step = await toolStep(this.#scene.journal, {
      spec: { taskOrdinal, kind, name, request: { input } },
      effect,
      work,
      alreadyDone: () => ({ ...unchanged('done'), changes: true, path: effect.kind === 'file' ? effect.path : null }),
    })
    if (step.kind === 'done') {
      for (const path of step.output.strayFiles) this.#stray.add(path)
      if (step.output.path !== null) this.#written.add(step.output.path)
    }
    return step
  }

  async #run(tool: Tool, call: ToolCall): Promise<ToolOutput> {
    this.#strayNow = []
    const result: ToolResult = await tool.run(call.input, this.#context)
    const output = this.#scene.deps.calls.redact(result.output)
    const changes = tool.effect === 'file' && !result.failed
    const path = changes ? (result.path ?? null) : null
    const sha256 = path === null ? null : await this.#scene.workspace.hash(path)
    return { output, changes, path, ...(sha256 === null ? {} : { sha256 }), strayFiles: this.#strayNow }
  }

  #effectOf(tool: Tool, call: ToolCall): Effect {
    const { workspace, attempt } = this.#scene
    if (tool.effect === 'command') return { kind: 'command', repeatable: attempt.job.plan.repeatable }
    const path = tool.effect === 'file' ? tool.target(call.input, this.#context) : null
    return path === null ? { kind: 'none' } : { kind: 'file', workspace, path }
  }

  #contextFor(role: Role): ToolContext {
    const { attempt, workspace, commands, deps } = this.#scene
    const { plan } = attempt.job
    const checks = plan.acceptance.flatMap((check) => (check.check === 'command' ? [check.run] : []))
    return {
      workspace,
      writes: writableGlobs(plan),
      commands: {
        commands: [...attempt.project.commands, ...checks],
        binaries: deps.allowedBinaries,
        denied: role.deniedCommands,
      },
      runCommand: async (argv, { timeoutMs }) => {
        const watched = await commands.watch(argv, timeoutMs)
        this.#strayNow = watched.strayFiles
        return watched.result
      },
      commandTimeoutMs: plan.timeoutMs ?? defaultCommandTimeoutMs,
      signal: attempt.signal,
    }
  }

  #unknown(name: string): string {
    const known = [...[...this.#tools.values()].map(({ spec }) => spec.name), 'submit']
    return `error: there is no tool ${JSON.stringify(name)}. Tools: ${known.join(', ')}`
  }
}

function unchanged(output: string): ToolOutput {
  return { output, changes: false, path: null, strayFiles: [] }
}
