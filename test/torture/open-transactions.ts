import pg from 'pg'
import { pause } from './kill-turns.ts'

const everyMs = 25

/** Looks again and again for transactions of orch that are open while nothing runs in them. */
export class OpenTransactions {
  /** The longest one seen, in milliseconds. */
  longestMs = 0
  looks = 0
  readonly #url: string
  readonly #ended: Promise<void>
  #over = false

  constructor(url: string) {
    this.#url = url
    this.#ended = this.#watch()
  }

  async end(): Promise<void> {
    this.#over = true
    await this.#ended
  }

  async #watch(): Promise<void> {
    while (!this.#over) {
      const client = new pg.Client({ connectionString: this.#url, connectionTimeoutMillis: 1000 })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!this.#over) await this.#look(client)
      } catch {
        // The server is away, which is the point; it comes back.
        await pause(everyMs)
      } finally {
        await client.end().catch(() => {})
      }
    }
  }

  async #look(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ ms: number | null }>(`
      select (max(extract(epoch from clock_timestamp() - state_change)) * 1000)::float8 as ms
      from pg_stat_activity where application_name = 'orch' and state like 'idle in transaction%'`)
    this.looks += 1
    this.longestMs = Math.max(this.longestMs, rows[0]?.ms ?? 0)
    await pause(everyMs)
  }
}
