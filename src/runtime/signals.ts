/** Process signals that mean "stop", as an injectable source. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface Signals {
  /**
   * Calls the listener for each stop signal, those that came before included, until the returned function is
   * called.
   */
  listen(listener: (signal: StopSignal) => void): () => void
}

export const stopSignals: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** The first two ask, and whoever listens decides what they mean; this one ends the process, whatever hangs. */
const signalsToExit = 3
/** What the release that the second one began may still take; the fourth grants nothing. */
const lastGraceMs = 300

/**
 * The stop signals of a process, from its first line to its last. One that comes before anybody listens is kept
 * for the listener to come, so that no instant is left to the default action of the system: that would end the
 * process with another exit code, and process 1 of a container not at all.
 */
export class ProcessSignals implements Signals {
  readonly #received: StopSignal[] = []
  readonly #listeners = new Set<(signal: StopSignal) => void>()
  readonly #exit: (graceMs: number) => void

  /** @param exit ends the process after so long at the latest; called for the third signal and every later one. */
  constructor(exit: (graceMs: number) => void) {
    this.#exit = exit
  }

  receive(signal: StopSignal): void {
    this.#received.push(signal)
    const count = this.#received.length
    if (count >= signalsToExit) return this.#exit(count === signalsToExit ? lastGraceMs : 0)
    for (const listener of this.#listeners) listener(signal)
  }

  listen(listener: (signal: StopSignal) => void): () => void {
    this.#listeners.add(listener)
    for (const signal of this.#received) listener(signal)
    return () => void this.#listeners.delete(listener)
  }
}
