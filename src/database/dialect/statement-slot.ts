/** The places of a hot statement where values go. */

/** Stands where a value goes: says what is sent, given the value of its name. */
export class StatementSlot {
  readonly name: string
  readonly #send: (value: unknown) => unknown

  constructor(name: string, send: (value: unknown) => unknown = (value) => value) {
    this.name = name
    this.#send = send
  }

  /** A place for something made of the same value. */
  made(send: (value: unknown) => unknown): StatementSlot {
    return new StatementSlot(this.name, send)
  }

  /** What is sent there. */
  fill(values: Readonly<Record<string, unknown>>): unknown {
    return this.#send(values[this.name])
  }
}
