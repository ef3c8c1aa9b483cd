/**
 * Finds connections that no longer answer. A limit on the time of every query would not do: one that waits for a
 * lock or reads much is slow and well. So a query that takes long is looked up over a new connection: where the
 * server does not know of it, or cannot be reached either, nothing will ever come back, and the connection is ended.
 */
import pg from 'pg'
import type { Clock } from '../../runtime/clock.ts'
import type { Patience } from './patience.ts'

/** With the probe's own time this stays below 5 s. */
const suspiciousMs = 2000
const lookEveryMs = 500
const probeTimeoutMs = 2000

export interface SilenceWatchParts {
  readonly clock: Clock
  readonly patience: Patience
  /** How a new connection is made. */
  readonly client: pg.ClientConfig
  /** Ends a connection whose query nobody works on. */
  readonly silence: (client: pg.PoolClient) => void
}

interface Pending {
  readonly client: pg.PoolClient
  readonly sinceMs: number
}

export class SilenceWatch {
  readonly #parts: SilenceWatchParts
  readonly #pending = new Set<Pending>()
  readonly #closed = new AbortController()
  #watching = false

  constructor(parts: SilenceWatchParts) {
    this.#parts = parts
  }

  /** Watches a query that was sent over the client; call the returned function when it is answered. */
  track(client: pg.PoolClient): () => void {
    const pending: Pending = { client, sinceMs: this.#parts.clock.monotonic() }
    this.#pending.add(pending)
    if (!this.#watching) void this.#watch()
    return () => void this.#pending.delete(pending)
  }

  close(): void {
    this.#closed.abort()
  }

  async #watch(): Promise<void> {
    this.#watching = true
    while (this.#pending.size > 0 && !this.#closed.signal.aborted) {
      await this.#parts.clock.sleep(lookEveryMs, this.#closed.signal)
      const suspects = this.#suspects()
      if (suspects.length === 0) continue
      const lost = this.#lost(suspects, await this.#probe(suspects))
      // Answered meanwhile: not lost after all.
      for (const pending of lost) if (this.#pending.delete(pending)) this.#parts.silence(pending.client)
    }
    this.#watching = false
  }

  #suspects(): readonly Pending[] {
    return [...this.#pending].filter(({ sinceMs }) => this.#parts.patience.isOver(sinceMs, suspiciousMs))
  }

  #lost(suspects: readonly Pending[], answer: Answer): readonly Pending[] {
    if (answer.kind === 'unreachable') return suspects
    // Somebody in a hurry does not wait for a server that is only slow either.
    const tooSlow = ({ sinceMs }: Pending) => this.#parts.patience.isOver(sinceMs, Number.POSITIVE_INFINITY)
    const unheardOf = ({ client }: Pending) => answer.kind === 'working' && !answer.pids.has(processIdOf(client))
    return suspects.filter((pending) => tooSlow(pending) || unheardOf(pending))
  }

  async #probe(suspects: readonly Pending[]): Promise<Answer> {
    const client = new pg.Client({
      ...this.#parts.client,
      connectionTimeoutMillis: probeTimeoutMs,
      query_timeout: probeTimeoutMs,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const text = `select pg_backend_pid() as own, array(select pid from pg_stat_activity where state = 'active' and pid = any($1)) as pids`
      const { rows } = await client.query<{ own: number; pids: number[] }>(text, [
        suspects.map((pending) => processIdOf(pending.client)),
      ])
      // A pooler hands out process ids of its own: then the server cannot be asked about ours.
      if (rows[0]?.own !== processIdOf(client)) return { kind: 'unknown' }
      return { kind: 'working', pids: new Set(rows[0].pids) }
    } catch (error) {
      return isRefusalOfLivingServer(error) ? { kind: 'unknown' } : { kind: 'unreachable' }
    } finally {
      destroySocket(client)
    }
  }
}

type Answer =
  /** The server works on the queries of these processes. */
  | { readonly kind: 'working'; readonly pids: ReadonlySet<number> }
  /** The server lives and does not tell. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unreachable' }

/** "Too many connections" comes from a server that works; "shutting down" and "starting up" (class 57) do not. */
function isRefusalOfLivingServer(error: unknown): boolean {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return false
  return typeof error.code === 'string' && !error.code.startsWith('57')
}

/** Of the server's side; pg's types do not show it. */
function processIdOf(client: pg.ClientBase): number {
  return (client as unknown as { readonly processID: number | null }).processID ?? -1
}

/**
 * Ends a connection at once. pg's own end says goodbye and then waits, for ever where the other side does not
 * answer; its types do not show the socket.
 */
export function destroySocket(client: pg.ClientBase): void {
  const { connection } = client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
  connection.stream.destroy()
}
