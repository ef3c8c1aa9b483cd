/**
 * Writes of other processes to a SQLite file: a watch on its directory is the hint (the WAL beside the file may
 * come and go), `pragma data_version` is the truth, a slow look the backstop. `data_version` changes by the
 * commits of other connections only, so a process never wakes itself.
 */
import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import { sql } from 'kysely'
import type { OpenOptions } from '../connection.ts'
import { backstopMs, type ChangeWatch } from './change-watch.ts'
import type { Db } from './dialect.ts'
import { hotStatement } from './hot-statement.ts'

/**
 * Pauses between looks after a hint. The file changes before the commit can be seen: its pages are written,
 * then synced, and only then is the index in shared memory moved on, which no file watch reports.
 */
const followUpMs = [1, 1, 1, 2, 2, 4, 8, 16, 32, 64, 128] as const
/** Looks without any pause before those: a timer is longer than most commits take. */
const promptLooks = 40
/** The backstop while hints arrive, and the pace without them: some 2 microseconds of work each. */
const slowLookMs = 500
const fastLookMs = 40
/** Changes in a row that only a slow look found: then this file system does not tell (network, some containers). */
const missedUntilDeaf = 3

export class SqliteWatch implements ChangeWatch {
  readonly lookEveryMs = backstopMs
  readonly #db: Db
  readonly #options: Pick<OpenOptions, 'clock' | 'random'>
  #watcher: FSWatcher | null
  #version: number | null = null
  #closed = false
  #hinted = false
  #nap = new AbortController()
  #missed = 0

  /** @param path of the database file; where its directory cannot be watched, the watch polls. */
  constructor(db: Db, path: string, options: Pick<OpenOptions, 'clock' | 'random'>) {
    this.#db = db
    this.#options = options
    this.#watcher = this.#watch(path)
  }

  get mode(): 'hints' | 'polls' {
    return this.#watcher === null ? 'polls' : 'hints'
  }

  async next(signal: AbortSignal): Promise<boolean> {
    const end = () => this.#nap.abort()
    signal.addEventListener('abort', end, { once: true })
    try {
      return await this.#untilChanged(() => signal.aborted || this.#closed)
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopWatching()
    this.#nap.abort()
  }

  async #untilChanged(isOver: () => boolean): Promise<boolean> {
    for (let sinceHint: number = followUpMs.length; ; sinceHint += 1) {
      if (this.#hinted) sinceHint = -promptLooks
      this.#hinted = false
      this.#nap = new AbortController()
      if (await this.#changed()) return true
      if (isOver()) return false
      const unprompted = sinceHint > followUpMs.length
      if (sinceHint < 0) await nextTurn()
      else await this.#options.clock.sleep(followUpMs[sinceHint] ?? this.#slowPauseMs(), this.#nap.signal)
      if (unprompted && !this.#hinted && !isOver() && (await this.#foundWithoutHint())) return true
    }
  }

  #watch(path: string): FSWatcher | null {
    try {
      const name = basename(path)
      // `persistent: false`: a watch must not keep a process alive that has nothing else to do.
      const watcher = watch(dirname(path), { persistent: false }, (_kind, changed) => {
        if (changed === null || changed.startsWith(name)) this.#takeHint()
      })
      watcher.on('error', () => this.#stopWatching())
      return watcher
    } catch {
      // No watches left (inotify limit), or a file system without them.
      return null
    }
  }

  #stopWatching(): void {
    this.#watcher?.close()
    this.#watcher = null
  }

  #takeHint(): void {
    this.#hinted = true
    this.#missed = 0
    this.#nap.abort()
  }

  /** Changes that only a slow look finds are counted, and after a few of them the watch is given up. */
  async #foundWithoutHint(): Promise<boolean> {
    if (!(await this.#changed())) return false
    this.#missed += 1
    if (this.#missed >= missedUntilDeaf) this.#stopWatching()
    return true
  }

  #slowPauseMs(): number {
    const usualMs = this.#watcher === null ? fastLookMs : slowLookMs
    // Jitter keeps several processes from looking in step.
    return usualMs * (0.75 + this.#options.random.next() / 2)
  }

  async #changed(): Promise<boolean> {
    const before = this.#version
    try {
      const { rows } = await readDataVersion(this.#db, {})
      this.#version = rows[0]?.data_version ?? null
    } catch {
      return false
    }
    return before !== this.#version
  }
}

const readDataVersion = hotStatement<never, { readonly data_version: number }>((db) =>
  sql<{ readonly data_version: number }>`pragma data_version`.compile(db),
)

/** After whatever else is ready to run: no pause at all where nothing is. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
