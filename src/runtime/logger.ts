/** Diagnostics for `--verbose`. Library code logs, it never prints. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export const silentLogger: Logger = { debug: () => {} }
