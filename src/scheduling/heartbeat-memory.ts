import type { AttemptKey } from '../database/queries/fence.ts'

/** Places of the counters; the text of the held attempts follows them. */
const place = { version: 0, length: 1, beats: 2, renewals: 3 } as const
const headerBytes = 64
/** Room for more than ten thousand attempts; memory that is never touched costs nothing. */
const textBytes = 1024 * 1024

/**
 * What a scheduler and its heartbeat thread share: which attempts are held, and two counters that tell each that
 * the other lives. Shared memory rather than messages, because a busy scheduler changes what it holds thousands of
 * times a second and the thread looks four times per lease.
 */
export class HeartbeatMemory {
  readonly buffer: SharedArrayBuffer
  readonly #header: Int32Array
  readonly #text: Uint8Array

  constructor(buffer = new SharedArrayBuffer(headerBytes + textBytes)) {
    this.buffer = buffer
    this.#header = new Int32Array(buffer, 0, headerBytes / 4)
    this.#text = new Uint8Array(buffer, headerBytes)
  }

  /** Says which attempts are held from now on. False where they do not fit: then nothing is held. */
  hold(keys: readonly AttemptKey[]): boolean {
    const text = JSON.stringify(keys.map(({ jobId, attempt }) => [jobId, attempt]))
    // An odd version means that the text is being changed; one writer, so that no lock is needed.
    Atomics.add(this.#header, place.version, 1)
    const { read, written } = new TextEncoder().encodeInto(text, this.#text)
    const fits = read === text.length
    Atomics.store(this.#header, place.length, fits ? written : 0)
    Atomics.add(this.#header, place.version, 1)
    return fits
  }

  /** The attempts that are held now. */
  held(): readonly AttemptKey[] {
    for (;;) {
      const before = Atomics.load(this.#header, place.version)
      const copy = this.#text.slice(0, Atomics.load(this.#header, place.length))
      if (before % 2 !== 0 || Atomics.load(this.#header, place.version) !== before) continue
      if (copy.length === 0) return []
      const rows = JSON.parse(new TextDecoder().decode(copy)) as readonly (readonly [string, number])[]
      return rows.map(([jobId, attempt]) => ({ jobId, attempt }))
    }
  }

  /** The main loop is alive. */
  beat(): void {
    Atomics.add(this.#header, place.beats, 1)
  }

  get beats(): number {
    return Atomics.load(this.#header, place.beats)
  }

  /** Every lease that was held is renewed, or refused and reported. */
  renewed(): void {
    Atomics.add(this.#header, place.renewals, 1)
  }

  get renewals(): number {
    return Atomics.load(this.#header, place.renewals)
  }
}
