/**
 * Learning that somebody else wrote, so that a scheduler sleeps until there is work. A watch only hints: it may
 * wake for nothing, and a hint may get lost, so whoever waits also looks by itself at the watch's pace.
 */

/** Waits for writes of other connections. What this process commits through its own database never wakes it. */
export interface ChangeWatch {
  /**
   * `hints`: writes of others are told at once. `polls`: nothing tells, so the watch or its caller looks
   * again and again. `alone`: nobody else can write (a database in memory).
   */
  readonly mode: 'hints' | 'polls' | 'alone'
  /** How long a caller may sleep before it looks by itself. */
  readonly lookEveryMs: number
  /**
   * Resolves true when others may have written since the last call, false once the signal is aborted. Writes
   * between two calls are not missed. Never rejects: a database that is away wakes nobody.
   */
  next(signal: AbortSignal): Promise<boolean>
  /** Ends connections and file watches; a pending `next` resolves false. */
  close(): Promise<void>
}

export interface WatchOptions {
  /** Called once when hints turn out not to arrive, with why and what to do. */
  readonly onDeaf?: (message: string, hint: string) => void
}

/** What a caller should sleep at most: rescue and missing tables are looked for at this pace. */
export const backstopMs = 1000

/** Where nobody else can write. */
export function soleWriterWatch(): ChangeWatch {
  const closed = new AbortController()
  return {
    mode: 'alone',
    lookEveryMs: backstopMs,
    next: async (signal) => {
      await untilAborted(AbortSignal.any([signal, closed.signal]))
      return false
    },
    close: async () => closed.abort(),
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
