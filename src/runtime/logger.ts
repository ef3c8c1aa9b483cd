import { redact } from './redaction.ts'
import type { Output } from './streams.ts'

/** Diagnostics for `--verbose`. Library code logs, it never prints. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export const silentLogger: Logger = { debug: () => {} }

/** One line a message on the output, its fields as JSON, every known secret removed. */
export function lineLogger(output: Pick<Output, 'write'>): Logger {
  return {
    debug: (message, fields) => {
      const details = fields === undefined ? '' : ` ${JSON.stringify(fields)}`
      output.write(`debug: ${redact(message + details)}\n`)
    },
  }
}
