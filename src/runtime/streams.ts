/** The streams a command may use. `main` receives them, so that tests can capture everything. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: Output
  readonly stderr: Output
}

/** The part of a writable stream that orch relies on. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): boolean
}
