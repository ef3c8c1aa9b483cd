/** The pool that Kysely sees: pg's, with the gaps closed that would hide a failure or hang on a dead connection. */
import pg from 'pg'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { OrchError, systemErrorCode } from '../../errors/orch-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Patience } from './patience.ts'
import { destroySocket, SilenceWatch } from './silence-watch.ts'

/** SQLSTATE "connection failure", put on errors of a connection that pg reports without any code. */
const connectionFailure = '08006'
/** SQLSTATE "too many connections", for a pool whose connections are all lent for too long. */
const tooManyConnections = '53300'
const timedOut = 'ETIMEDOUT'
/** How long the polite end of all connections may take. */
const goodbyeMs = 1000
/** How long a connection may take once somebody is in a hurry. */
const hurriedConnectMs = 1000

export interface PoolParts {
  readonly client: pg.ClientConfig
  readonly max: number
  readonly clock: Clock
  readonly patience: Patience
}

/**
 * A pool where a lost connection has a code, a commit that rolled back is an error, a connection that no longer
 * answers is found within 5 s and takes its siblings along, and the end never waits for a dead server.
 */
export class WatchedPool implements PostgresPool {
  readonly #pool: pg.Pool
  readonly #parts: PoolParts
  readonly #silence: SilenceWatch
  /** Every connection and the generation it belongs to. */
  readonly #clients = new Map<pg.PoolClient, number>()
  readonly #silenced = new WeakSet<pg.PoolClient>()
  #generation = 0

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#pool = new pg.Pool({ ...parts.client, max: parts.max, pipeline: true })
    this.#silence = new SilenceWatch({ ...parts, silence: (client) => this.#giveUp(client) })
    // Without listeners a connection that the server closes, idle or lent, ends the whole process.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => {
      this.#clients.set(client, this.#generation)
      client.on('error', () => {})
    })
    this.#pool.on('remove', (client) => void this.#clients.delete(client))
  }

  async connect(): Promise<PostgresPoolClient> {
    for (;;) {
      const client = await this.#connectOnce()
      // Made before its siblings were found dead: most likely dead too, and nobody should wait to see.
      if (this.#clients.get(client) === this.#generation) return this.#watched(client)
      discard(client)
    }
  }

  /** Later connections are given less time. */
  hurry(): void {
    this.#pool.options.connectionTimeoutMillis = hurriedConnectMs
  }

  async end(): Promise<void> {
    this.#silence.close()
    const over = new AbortController()
    const ended = this.#pool.end().finally(() => over.abort())
    await this.#parts.clock.sleep(goodbyeMs, over.signal)
    for (const client of this.#clients.keys()) destroySocket(client)
    if (over.signal.aborted) await ended
  }

  #giveUp(client: pg.PoolClient): void {
    this.#generation += 1
    this.#silenced.add(client)
    destroySocket(client)
  }

  async #connectOnce(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      const lent = this.#pool.totalCount >= this.#parts.max && this.#pool.idleCount === 0
      throw withCode(error, lent ? tooManyConnections : timeoutOf(error))
    }
  }

  #watched(client: pg.PoolClient): PostgresPoolClient {
    let broken = false
    const query = async <R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> => {
      const answered = this.#silence.track(client)
      try {
        const result = await client.query(text, [...parameters])
        if (text === 'commit') refuseRollback(result.command)
        return result as unknown as PostgresQueryResult<R>
      } catch (error) {
        broken ||= !comesFromServer(error)
        throw withCode(error, this.#silenced.has(client) ? timedOut : connectionFailure)
      } finally {
        answered()
      }
    }
    // A broken connection that went back into the pool would fail its next user too.
    return { query: query as PostgresPoolClient['query'], release: () => (broken ? discard(client) : client.release()) }
  }
}

/** The pool itself would say goodbye and wait for an answer. */
function discard(client: pg.PoolClient): void {
  client.release(true)
  destroySocket(client)
}

/** Postgres answers COMMIT of a failed transaction with ROLLBACK and without an error. */
function refuseRollback(command: string): void {
  if (command !== 'ROLLBACK') return
  throw new OrchError('ORCH_DATABASE_FAILED', 'A transaction was rolled back because one of its statements failed', {
    hint: 'This is a bug in orch: an error inside a transaction was ignored',
  })
}

/** pg and its pool say only in words that a connection took too long. */
function timeoutOf(error: unknown): string {
  return error instanceof Error && /timeout/i.test(error.message) ? timedOut : connectionFailure
}

/** Whether a server that goes on working reported the error; FATAL is its last word on a connection. */
function comesFromServer(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity !== 'FATAL' && error.severity !== 'PANIC'
}

/** pg reports a connection that broke, was refused by the pool or timed out as a plain Error without a code. */
function withCode(error: unknown, code: string): unknown {
  if (!(error instanceof Error) || error.name !== 'Error' || systemErrorCode(error) !== undefined) return error
  return Object.assign(error, { code })
}
