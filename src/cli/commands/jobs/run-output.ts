import type { Context } from '../../../context.ts'
import type { Database } from '../../../database/connection.ts'
import { formatMicroUsd } from '../../../domain/money.ts'
import type { RunReport } from '../../../scheduling/scheduler-run.ts'
import type { RunProgress } from '../../../scheduling/run-progress.ts'
import type { SchedulerEvent } from '../../../scheduling/scheduler-types.ts'
import type { HeldAttempt } from '../../../scheduling/held-attempts.ts'
import type { ExitName } from '../../../errors/exit-code.ts'
import type { Io } from '../../io.ts'
import type { JobBoard } from '../../render/job-board.ts'
import { iso } from '../../render/json.ts'
import { costText } from './job-view.ts'
import { eventData, eventText, jobName } from './run-view.ts'

export interface OutputOptions {
  readonly context: Context
  readonly io: Io
  readonly database: Database
  readonly projectSlug: string | null
  readonly rehearsal: boolean
  readonly hasUsageTable: boolean
}

const rehearsalNote = 'This is a rehearsal: a scratch copy, simulated work, nothing real changes'
const refreshMs = 1000

/** The mouth of `jobs run`: a board on a terminal, else lines, or NDJSON. */
export class RunOutput {
  readonly #options: OutputOptions
  readonly #ended = new AbortController()
  #board: JobBoard | null = null
  #refreshing: Promise<void> | null = null
  #progress: RunProgress = { counts: {}, usage: new Map(), spentMicroUsd: 0, unknownCalls: 0 }
  #note: string | null

  constructor(options: OutputOptions) {
    this.#options = options
    this.#note = options.rehearsal ? rehearsalNote : null
  }

  /** Starts the board where a person watches; `held` names what runs. */
  async open(held: () => readonly HeldAttempt[]): Promise<void> {
    const { io, context, rehearsal } = this.#options
    if (rehearsal && !io.json) io.progress(rehearsalNote)
    if (!io.isTerminal) return
    const { JobBoard } = await import('../../render/job-board.ts')
    this.#board = await JobBoard.open(io.streams.stdout, { clock: context.clock, colors: io.colors })
    this.#refreshing = this.#refresh(held)
  }

  event(event: SchedulerEvent): void {
    const { io } = this.#options
    if (event.kind === 'draining' || event.kind === 'outage' || event.kind === 'stopping') this.#note = eventText(event)
    if (event.kind === 'recovered') this.#note = this.#options.rehearsal ? rehearsalNote : null
    // On a board what starts is seen anyway; what ends stays as a line above it.
    if (this.#board !== null) return event.kind === 'started' ? undefined : this.#board.print(this.#line(event))
    this.#emit(eventData(event), () => this.#line(event))
    if (io.json && event.kind === 'tables_missing') io.warn(eventText(event))
  }

  /** Ends the board and says how the run ended; null where it did not end by itself. */
  async close(end: { readonly report: RunReport; readonly exit: ExitName } | null): Promise<void> {
    this.#ended.abort()
    await this.#refreshing
    await this.#board?.close()
    this.#board = null
    if (end === null) return
    const { report, exit } = end
    const counts = Object.entries(report.counts).map(([state, count]) => `${count} ${state}`)
    const how = { idle: 'idle', tablesMissing: 'tables are missing', drained: 'drained', stopped: 'stopped' }[
      report.end
    ]
    const text = `ended      ${how}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}`
    this.#emit({ event: 'finished', end: report.end, exit, counts: report.counts }, () => this.#prefixed(text))
  }

  #emit(data: Readonly<Record<string, unknown>>, line: () => string): void {
    const { io, context, rehearsal } = this.#options
    io.event('jobs.run', { ...data, at: iso(context.clock.now()), rehearsal }, line)
  }

  #line(event: SchedulerEvent): string {
    return this.#prefixed(eventText(event))
  }

  #prefixed(text: string): string {
    return this.#options.rehearsal ? `[rehearsal] ${text}` : text
  }

  async #refresh(held: () => readonly HeldAttempt[]): Promise<void> {
    const { readRunProgress } = await import('../../../scheduling/run-progress.ts')
    const { context, database, projectSlug, hasUsageTable } = this.#options
    while (!this.#ended.signal.aborted) {
      const jobIds = held().map(({ claimed }) => claimed.job.id)
      const scope = { projectSlug, jobIds, hasUsageTable }
      // A board that is a second old is better than a run that ends because its picture failed.
      this.#progress = await readRunProgress(database, scope).catch(() => this.#progress)
      for (let slice = 0; slice < refreshMs && !this.#ended.signal.aborted; slice += 100) {
        this.#draw(held())
        await context.clock.sleep(100, this.#ended.signal)
      }
    }
  }

  #draw(held: readonly HeldAttempt[]): void {
    const { counts, usage, spentMicroUsd, unknownCalls } = this.#progress
    const rows = held
      .filter(({ outcome }) => outcome === null)
      .map(({ claimed, startedAtMs }) => {
        const used = usage.get(claimed.job.id) ?? null
        return { name: jobName(claimed), startedAtMs, model: used?.model ?? null, cost: costText(used) }
      })
    const unknown = unknownCalls === 0 ? '' : ` + ${unknownCalls} unknown`
    this.#board?.show({ counts, rows, spent: `${formatMicroUsd(spentMicroUsd)}${unknown}`, note: this.#note })
  }
}
