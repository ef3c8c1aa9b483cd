/** Kysely's driver of Postgres, which sends statements ahead where nobody waits for their answer. */
import {
  PostgresDialect,
  PostgresDriver,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type PostgresAdapter,
  type PostgresPool,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import { BulkPostgresAdapter } from './bulk-adapter.ts'
import { isAnsweredLate } from './late-answer.ts'

export class BulkPostgresDialect extends PostgresDialect {
  readonly #pool: PostgresPool

  constructor(pool: PostgresPool) {
    super({ pool })
    this.#pool = pool
  }

  override createDriver(): Driver {
    return new SendingAheadDriver({ pool: this.#pool })
  }

  override createAdapter(): PostgresAdapter {
    return new BulkPostgresAdapter()
  }
}

class SendingAheadDriver extends PostgresDriver {
  readonly #ahead = new WeakMap<DatabaseConnection, SendingAheadConnection>()

  override async acquireConnection(): Promise<DatabaseConnection> {
    const direct = await super.acquireConnection()
    const known = this.#ahead.get(direct) ?? new SendingAheadConnection(direct)
    this.#ahead.set(direct, known)
    return known
  }

  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await super.beginTransaction(connection, settings)
    if (connection instanceof SendingAheadConnection) connection.begin()
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection)
    if (connection instanceof SendingAheadConnection) connection.end()
  }

  /** What failed is known by now, and must not fail the rollback too. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (connection instanceof SendingAheadConnection) connection.end()
    await super.rollbackTransaction(connection)
  }

  override async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const direct = connection instanceof SendingAheadConnection ? connection.direct : connection
    // Kysely does not export the type of its connections.
    await super.releaseConnection(direct as Parameters<PostgresDriver['releaseConnection']>[0])
  }
}

/**
 * Inside a transaction a statement marked by `lateAnswer` is sent and not waited for: the server works on it while
 * the next one is made. Its failure comes up at the next statement that is waited for, at the latest at the commit.
 */
class SendingAheadConnection implements DatabaseConnection {
  readonly direct: DatabaseConnection
  #inTransaction = false
  #sent: Promise<unknown>[] = []

  constructor(direct: DatabaseConnection) {
    this.direct = direct
  }

  begin(): void {
    this.#inTransaction = true
  }

  end(): void {
    this.#inTransaction = false
    this.#sent = []
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (!this.#inTransaction) return this.direct.executeQuery<R>(query)
    const answer = this.direct.executeQuery<R>(query)
    if (isAnsweredLate(query)) {
      this.#sent.push(answer)
      // Nobody may be listening yet when it fails.
      answer.catch(() => {})
      return { rows: [] }
    }
    if (this.#sent.length === 0) return answer
    // The first failure is the one that says why: all that was sent after it failed because of it.
    const answers = await Promise.allSettled([...this.#sent, answer])
    this.#sent = []
    for (const one of answers) if (one.status === 'rejected') throw one.reason
    return answer
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.direct.streamQuery<R>(query, chunkSize)
  }
}
