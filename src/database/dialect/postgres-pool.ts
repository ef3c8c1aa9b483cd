/** The pool that Kysely sees: pg's, with the gaps closed that would hide a failure. */
import type pg from 'pg'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { OrchError, systemErrorCode } from '../../errors/orch-error.ts'

/** SQLSTATE "connection failure", put on errors of a connection that pg reports without any code. */
const connectionFailure = '08006'

/** Wraps a pool so that a lost connection has a code, and a commit that rolled back is an error. */
export function watchedPool(pool: pg.Pool): PostgresPool {
  // Without listeners a connection that the server closes, idle or lent, ends the whole process.
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))
  return {
    connect: async () => watchedClient(await withCode(pool.connect())),
    end: () => pool.end(),
  }
}

function watchedClient(client: pg.PoolClient): PostgresPoolClient {
  let broken = false
  const query = async <R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> => {
    const result = await withCode(client.query(text, [...parameters])).catch((error: unknown) => {
      broken ||= !comesFromServer(error)
      throw error
    })
    // Postgres answers COMMIT of a failed transaction with ROLLBACK and without an error.
    if (text === 'commit' && result.command === 'ROLLBACK') {
      throw new OrchError(
        'ORCH_DATABASE_FAILED',
        'A transaction was rolled back because one of its statements failed',
        {
          hint: 'This is a bug in orch: an error inside a transaction was ignored',
        },
      )
    }
    return result as unknown as PostgresQueryResult<R>
  }
  // A broken connection that went back into the pool would fail its next user too.
  return { query: query as PostgresPoolClient['query'], release: () => client.release(broken) }
}

/**
 * Ends a connection at once. pg's own end says goodbye and then waits, for ever where the other side does not
 * answer; its types do not show the socket.
 */
export function destroySocket(client: pg.ClientBase): void {
  const { connection } = client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
  connection.stream.destroy()
}

/** Whether a server that goes on working reported the error; FATAL is its last word on a connection. */
function comesFromServer(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity !== 'FATAL' && error.severity !== 'PANIC'
}

/** pg reports a connection that broke, was refused by the pool or timed out as a plain Error without a code. */
async function withCode<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && error.name === 'Error' && systemErrorCode(error) === undefined) {
      Object.assign(error, { code: connectionFailure })
    }
    throw error
  }
}
