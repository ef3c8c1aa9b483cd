/** Process signals that mean "stop", as an injectable source. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface Signals {
  /** Calls the listener on each stop signal until the returned function is called. */
  listen(listener: (signal: StopSignal) => void): () => void
}

const stopSignals: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** This process's own signals. While nobody listens, Node's default (exit) applies. */
export const systemSignals: Signals = {
  listen: (listener) => {
    for (const signal of stopSignals) process.on(signal, listener)
    return () => {
      for (const signal of stopSignals) process.off(signal, listener)
    }
  },
}
