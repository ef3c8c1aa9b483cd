/**
 * JSON as models write it: trailing commas, comments and raw line breaks inside strings are read as what
 * they plainly mean. Nothing is guessed: a document that ends early is `truncated`, a repeated key is an error.
 */

export type LenientResult =
  | { readonly kind: 'value'; readonly value: unknown; readonly end: number }
  /** The text ends inside the value. */
  | { readonly kind: 'truncated' }
  | { readonly kind: 'syntax'; readonly message: string; readonly at: number }

const depthLimit = 64

/** Reads one value that begins at `start`; text behind it is not looked at. Never throws. */
export function readLenientJson(text: string, start: number): LenientResult {
  const reader = new Reader(text, start)
  try {
    const value = reader.value(0)
    return { kind: 'value', value, end: reader.position }
  } catch (error) {
    if (error instanceof Truncated) return { kind: 'truncated' }
    if (error instanceof Misplaced) return { kind: 'syntax', message: error.message, at: error.at }
    throw error
  }
}

class Truncated extends Error {}

class Misplaced extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

const atom = /[^\s,\]}:"[{/]+/y
const gap = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y
const string = /"(?:[^"\\]|\\[\s\S])*"/y

class Reader {
  position: number
  readonly #text: string

  constructor(text: string, start: number) {
    this.#text = text
    this.position = start
  }

  value(depth: number): unknown {
    if (depth > depthLimit) throw new Misplaced(`nested deeper than ${depthLimit} levels`, this.position)
    const next = this.#peek()
    if (next === '{') return this.#object(depth)
    if (next === '[') return this.#array(depth)
    if (next === '"') return this.#string()
    return this.#atom()
  }

  #object(depth: number): Record<string, unknown> {
    this.position++
    const members: Record<string, unknown> = {}
    for (;;) {
      if (this.#take('}')) return members
      if (this.#peek() !== '"') throw new Misplaced('expected a quoted key', this.position)
      const at = this.position
      const key = this.#string()
      if (Object.hasOwn(members, key)) throw new Misplaced(`the key ${JSON.stringify(key)} stands here twice`, at)
      if (!this.#take(':')) throw new Misplaced('expected : after a key', this.position)
      // defineProperty keeps a member called __proto__ an ordinary member.
      Object.defineProperty(members, key, { value: this.value(depth + 1), enumerable: true, writable: true })
      this.#separator('}')
    }
  }

  #array(depth: number): unknown[] {
    this.position++
    const items: unknown[] = []
    for (;;) {
      if (this.#take(']')) return items
      items.push(this.value(depth + 1))
      this.#separator(']')
    }
  }

  #separator(close: '}' | ']'): void {
    if (this.#take(',') || this.#peek() === close) return
    throw new Misplaced(`expected , or ${close}`, this.position)
  }

  #string(): string {
    const raw = this.#match(string)
    if (raw === null) throw new Truncated()
    // Raw control characters are legal nowhere in JSON and mean themselves.
    // oxlint-disable-next-line no-control-regex -- control characters are what this line is about
    const escaped = raw.replaceAll(/[\u0000-\u001f]/g, (control) => JSON.stringify(control).slice(1, -1))
    try {
      return JSON.parse(escaped) as string
    } catch {
      throw new Misplaced('a string with an unknown escape', this.position - raw.length)
    }
  }

  #atom(): unknown {
    const at = this.position
    const word = this.#match(atom)
    try {
      if (word !== null) return JSON.parse(word)
    } catch {
      if (this.position === this.#text.length) throw new Truncated()
    }
    throw new Misplaced(`expected a value, found ${JSON.stringify((word ?? this.#text[at] ?? '').slice(0, 20))}`, at)
  }

  /** The next significant character. */
  #peek(): string {
    this.#match(gap)
    const next = this.#text[this.position]
    if (next === undefined) throw new Truncated()
    return next
  }

  #take(wanted: string): boolean {
    if (this.#peek() !== wanted) return false
    this.position++
    return true
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.position
    const found = pattern.exec(this.#text)?.[0] ?? null
    if (found !== null) this.position += found.length
    return found
  }
}
