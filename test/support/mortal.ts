/** A process that can die: at a chosen effect everything stops, and nothing it still does reaches the world. */
import type { CallDeps } from '../../src/calls/call-deps.ts'
import type { Database } from '../../src/database/connection.ts'

export class Death extends Error {
  override readonly name = 'Death'
}

/** Counts effects (database writes, before and after their commit) and dies at the given one; 0 never dies. */
export class Mortal {
  dead = false
  /** Effects so far. */
  effects = 0
  readonly #dieAt: number

  constructor(dieAt: number) {
    this.#dieAt = dieAt
  }

  /** A moment at which a kill may strike. */
  moment(): void {
    if (this.dead) throw new Death()
    this.effects += 1
    if (this.effects === this.#dieAt) this.die()
  }

  die(): never {
    this.dead = true
    throw new Death()
  }

  /** The database of a process that can die before a transaction and right after its commit. */
  database(database: Database): Database {
    return {
      ...database,
      write: async (work) => {
        this.moment()
        const result = await database.write(work)
        this.moment()
        return result
      },
    }
  }

  /** Clients whose process can die while a request is under way, after it reached the server. */
  clients(providers: CallDeps['providers']): CallDeps['providers'] {
    return {
      client: async (provider) => {
        const client = await providers.client(provider)
        return {
          send: async (call, options) => {
            if (this.dead) throw new Death()
            const reply = await client.send(call, options)
            this.moment()
            return reply
          },
        }
      },
    }
  }
}
