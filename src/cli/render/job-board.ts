/** The live picture of a run on a terminal: what ended above it, what runs and how far it is below. */
import type { ChalkInstance } from 'chalk'
import type { JobState } from '../../domain/job-state.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Output } from '../../runtime/streams.ts'
import { age } from './age.ts'
import { plainLine } from './plain.ts'

export interface BoardRow {
  readonly name: string
  /** Monotonic. */
  readonly startedAtMs: number
  readonly model: string | null
  readonly cost: string
}

export interface BoardState {
  readonly counts: Readonly<Partial<Record<JobState, number>>>
  readonly rows: readonly BoardRow[]
  /** What the whole scope spent so far. */
  readonly spent: string
  /** A line under the bar: a drain, an outage, a rehearsal. */
  readonly note: string | null
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const
const barWidth = 24
/** Ten pictures a second. */
const redrawMs = 100
/** More rows than this are counted, not shown: the picture must fit a small terminal. */
const mostRows = 12

/** Text of one picture. Pure, so that it can be tested without a terminal. */
export function drawBoard(state: BoardState, look: { readonly nowMs: number; readonly colors: ChalkInstance }): string {
  const { colors, nowMs } = look
  const frame = frames[Math.floor(nowMs / redrawMs) % frames.length] ?? ''
  const rows = state.rows.slice(0, mostRows).map((row) => {
    const model = row.model === null ? '' : colors.dim(`  ${plainLine(row.model)}`)
    const took = age(nowMs - row.startedAtMs).padStart(7)
    return `${colors.cyan(frame)} ${took}  ${plainLine(row.name)}${model}  ${colors.dim(row.cost)}`
  })
  const hidden = state.rows.length - rows.length
  const more = hidden > 0 ? [colors.dim(`  and ${hidden} more`)] : []
  const note = state.note === null ? [] : [colors.yellow(plainLine(state.note))]
  return [...rows, ...more, progressLine(state, colors), ...note].join('\n')
}

function progressLine({ counts, spent }: BoardState, colors: ChalkInstance): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const done = (counts.completed ?? 0) + (counts.failed ?? 0) + (counts.cancelled ?? 0) + (counts.skipped ?? 0)
  const filled = total === 0 ? 0 : Math.round((done / total) * barWidth)
  const bar = colors.green('█'.repeat(filled)) + colors.dim('░'.repeat(barWidth - filled))
  const failed = (counts.failed ?? 0) + (counts.skipped ?? 0)
  const parts = [
    `${done}/${total}`,
    `${counts.running ?? 0} running`,
    `${counts.ready ?? 0} ready`,
    ...(failed > 0 ? [colors.red(`${failed} failed or skipped`)] : []),
    spent,
  ]
  return `${bar} ${parts.join(' · ')}`
}

type LogUpdate = { (text: string): void; persist(text: string): void; clear(): void; done(): void }

/** Draws at most ten times a second until closed, and leaves the terminal as it was. */
export class JobBoard {
  readonly #clock: Clock
  readonly #colors: ChalkInstance
  readonly #ended = new AbortController()
  readonly #log: LogUpdate
  #state: BoardState = { counts: {}, rows: [], spent: '', note: null }
  #loop: Promise<void> | null = null

  private constructor(log: LogUpdate, parts: { readonly clock: Clock; readonly colors: ChalkInstance }) {
    this.#log = log
    this.#clock = parts.clock
    this.#colors = parts.colors
  }

  static async open(
    stream: Output,
    parts: { readonly clock: Clock; readonly colors: ChalkInstance },
  ): Promise<JobBoard> {
    const { createLogUpdate } = await import('log-update')
    // A terminal's stdout is a full stream; Output names only the part that orch itself relies on.
    const board = new JobBoard(createLogUpdate(stream as NodeJS.WriteStream), parts)
    board.#loop = board.#redraw()
    return board
  }

  show(state: BoardState): void {
    this.#state = state
  }

  /** A line that stays, above the picture. */
  print(line: string): void {
    this.#log.persist(line)
  }

  /** Ends the drawing and restores the cursor. */
  async close(): Promise<void> {
    this.#ended.abort()
    await this.#loop
    this.#log.clear()
    this.#log.done()
  }

  async #redraw(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      this.#log(drawBoard(this.#state, { nowMs: this.#clock.monotonic(), colors: this.#colors }))
      await this.#clock.sleep(redrawMs, this.#ended.signal)
    }
  }
}
