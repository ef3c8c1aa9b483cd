/**
 * Writes of other processes to a Postgres schema: LISTEN on a connection of its own. Notifications are hints, so
 * the subscription itself is checked: every few seconds a notification is sent through the pool, and it must
 * arrive here. A connection that does not answer is replaced with back-off; one that answers and hears nothing
 * sits behind a transaction pooler, and the watch says so once and leaves the looking to its caller.
 */
import { createHash } from 'node:crypto'
import pg from 'pg'
import { sql } from 'kysely'
import type { OpenOptions } from '../connection.ts'
import { backstopMs, type ChangeWatch, type WatchOptions } from './change-watch.ts'
import type { Db } from './dialect.ts'
import { destroySocket } from './silence-watch.ts'

/** Postgres cuts names after 63 bytes; a schema's own name may be that long already. */
export function channelOf(schema: string): string {
  const name = `orch_${schema}`
  if (name.length <= 63) return name
  return `orch_${createHash('sha256').update(schema).digest('hex').slice(0, 40)}`
}

/** Sends a hint; inside a transaction it is delivered with the commit, and not at all without one. */
export async function sendHint(db: Db, channel: string, payload: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${payload})`.execute(db)
}

/** Paces of the listener, in milliseconds. */
export interface ListenerPace {
  /** Between checks of the subscription. */
  readonly checkEveryMs: number
  /** For one check. */
  readonly checkTimeoutMs: number
  /** The longest pause between two tries to connect. */
  readonly longestBackoffMs: number
  /** Before a subscription that heard nothing is tried again. */
  readonly deafForMs: number
}

/** pg-boss's figures for the check (job-engines, section 4); the rest so that a server's return is noticed soon. */
export const listenerPace: ListenerPace = {
  checkEveryMs: 10_000,
  checkTimeoutMs: 5000,
  longestBackoffMs: 2000,
  deafForMs: 60_000,
}

const shortestBackoffMs = 100
/** How often to look without hints: the price of a pooler. */
const deafLookMs = 250

export interface PostgresWatchParts extends Pick<OpenOptions, 'clock' | 'random'>, WatchOptions {
  /** For checks: another connection than the listening one. */
  readonly db: Db
  readonly client: pg.ClientConfig
  readonly channel: string
  /** Payload of hints that this process sends; they wake others only. */
  readonly sender: string
  readonly pace?: ListenerPace
}

type Verdict = 'heard' | 'deaf' | 'lost'

export class PostgresWatch implements ChangeWatch {
  readonly #parts: PostgresWatchParts
  readonly #pace: ListenerPace
  readonly #closed = new AbortController()
  readonly #ended: Promise<void>
  #hinted = false
  #wake: () => void = () => {}
  #listening = false
  #checks = 0
  #saidDeaf = false
  #awaited: { readonly payload: string; readonly heard: () => void } | null = null

  constructor(parts: PostgresWatchParts) {
    this.#parts = parts
    this.#pace = parts.pace ?? listenerPace
    this.#ended = this.#listenForEver()
  }

  get mode(): 'hints' | 'polls' {
    return this.#listening ? 'hints' : 'polls'
  }

  get lookEveryMs(): number {
    return this.#listening ? backstopMs : deafLookMs
  }

  async next(signal: AbortSignal): Promise<boolean> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (this.#hinted || signal.aborted || this.#closed.signal.aborted) return resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    const hinted = this.#hinted
    this.#hinted = false
    return hinted
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#wake()
    await this.#ended
  }

  async #listenForEver(): Promise<void> {
    const { clock, random } = this.#parts
    let failures = 0
    while (!this.#closed.signal.aborted) {
      const verdict = await this.#listenOnce(() => (failures = 0))
      this.#listening = false
      if (verdict === 'deaf') this.#sayDeaf()
      failures += 1
      const backoffMs = Math.min(this.#pace.longestBackoffMs, shortestBackoffMs * 2 ** failures)
      const pauseMs = verdict === 'deaf' ? this.#pace.deafForMs : backoffMs * (0.5 + random.next() / 2)
      await clock.sleep(pauseMs, this.#closed.signal)
    }
  }

  /** One connection, from its start until it is lost, deaf or no longer wanted. Never throws. */
  async #listenOnce(onListening: () => void): Promise<Verdict> {
    const client = new pg.Client(this.#parts.client)
    const lost = new AbortController()
    client.on('error', () => lost.abort())
    client.on('end', () => lost.abort())
    client.on('notification', ({ payload = '' }) => this.#receive(payload))
    const over = AbortSignal.any([lost.signal, this.#closed.signal])
    try {
      await before(over, client.connect())
      await before(over, client.query(`listen ${client.escapeIdentifier(this.#parts.channel)}`))
      return await this.#checkUntilOver(client, over, onListening)
    } catch {
      return 'lost'
    } finally {
      destroySocket(client)
    }
  }

  async #checkUntilOver(client: pg.Client, over: AbortSignal, onListening: () => void): Promise<Verdict> {
    for (;;) {
      const verdict = await this.#check(client, over)
      if (verdict !== 'heard' || over.aborted) return over.aborted ? 'lost' : verdict
      // What was said while nobody listened is lost: one look now.
      if (!this.#listening) this.#takeHint()
      this.#listening = true
      onListening()
      const everyMs = this.#pace.checkEveryMs * (0.9 + this.#parts.random.next() / 5)
      await this.#parts.clock.sleep(everyMs, over)
      if (over.aborted) return 'lost'
    }
  }

  /**
   * Sends a notification over another connection. Over this one it would arrive behind a pooler too: the answer
   * of the borrowed server connection would carry it along.
   */
  async #check(client: pg.Client, over: AbortSignal): Promise<Verdict> {
    const { clock, db, channel, sender } = this.#parts
    const timedOut = new AbortController()
    const giveUp = AbortSignal.any([over, timedOut.signal])
    this.#checks += 1
    const payload = `check ${sender} ${this.#checks}`
    const heard = new Promise<void>((resolve) => (this.#awaited = { payload, heard: resolve }))
    void clock.sleep(this.#pace.checkTimeoutMs, giveUp).then(() => timedOut.abort())
    // A pool that cannot send says nothing about this connection: then only its own answer counts.
    const sent = sendHint(db, channel, payload).then(
      () => true,
      () => false,
    )
    try {
      await before(giveUp, client.query('select 1'))
      const arrived = before(giveUp, heard).then(
        () => true,
        () => false,
      )
      if (await Promise.race([arrived, sent.then((ok) => (ok ? arrived : true))])) return 'heard'
      return over.aborted ? 'lost' : 'deaf'
    } catch {
      return 'lost'
    } finally {
      timedOut.abort()
      this.#awaited = null
    }
  }

  #receive(payload: string): void {
    if (payload === this.#awaited?.payload) return this.#awaited.heard()
    if (payload !== this.#parts.sender && !payload.startsWith('check ')) this.#takeHint()
  }

  #takeHint(): void {
    this.#hinted = true
    this.#wake()
  }

  #sayDeaf(): void {
    if (this.#saidDeaf) return
    this.#saidDeaf = true
    this.#parts.onDeaf?.(
      'Notifications of the database do not arrive, as behind a pooler in transaction mode: orch looks for work several times a second instead',
      'For faster starts give --db an address of the server itself, or of a pooler in session mode',
    )
  }
}

/** The result of the work, or a rejection as soon as the signal is aborted. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error('given up'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
