/** Keeps the first and the last bytes of a stream of unknown length, in bounded memory. */
export class CappedOutput {
  readonly #headLimit: number
  readonly #tailLimit: number
  readonly #head: Buffer[] = []
  #headBytes = 0
  #tail: Buffer[] = []
  #tailBytes = 0
  #total = 0

  /** Half of the limit is for the head, half for the tail. */
  constructor(limitBytes: number) {
    this.#headLimit = Math.ceil(limitBytes / 2)
    this.#tailLimit = limitBytes - this.#headLimit
  }

  /** Bytes that were left out. */
  get omittedBytes(): number {
    return Math.max(0, this.#total - this.#headBytes - this.#tailLimit)
  }

  add(chunk: Buffer): void {
    this.#total += chunk.length
    const forHead = chunk.subarray(0, this.#headLimit - this.#headBytes)
    if (forHead.length > 0) {
      this.#head.push(Buffer.from(forHead))
      this.#headBytes += forHead.length
    }
    const forTail = chunk.subarray(forHead.length)
    if (forTail.length === 0) return
    // Copied, so that a large read buffer is not kept alive for its last bytes.
    this.#tail.push(Buffer.from(forTail.subarray(-this.#tailLimit || forTail.length)))
    this.#tailBytes += Math.min(forTail.length, this.#tailLimit)
    while (this.#tailBytes - (this.#tail[0]?.length ?? 0) >= this.#tailLimit) {
      this.#tailBytes -= this.#tail.shift()?.length ?? 0
    }
  }

  /** The text, with a line that says how much was left out in the middle. Broken UTF-8 becomes U+FFFD. */
  text(): string {
    const head = Buffer.concat(this.#head)
    const tail = Buffer.concat(this.#tail)
    if (this.omittedBytes === 0) return Buffer.concat([head, tail]).toString('utf8')
    const kept = tail.subarray(-this.#tailLimit || tail.length)
    return `${head.toString('utf8')}\n[... ${this.omittedBytes} bytes left out ...]\n${kept.toString('utf8')}`
  }
}
