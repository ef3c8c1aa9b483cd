/** Ways in which a database becomes unusable while somebody waits for it, and comes back. */
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import type { Database } from '../../src/database/connection.ts'
import { pause } from './kill-turns.ts'

/** Makes the database unusable until the returned function is called. */
export type Trouble = () => Promise<() => Promise<void>>

/** Somebody holds what every write needs. */
export function locked(database: Database, engine: 'SQLite' | 'Postgres'): Trouble {
  return async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    let taken = () => {}
    const isTaken = new Promise<void>((resolve) => (taken = resolve))
    const held = database.write(async (trx) => {
      if (engine === 'Postgres') await sql`lock table jobs, errands, attempts in access exclusive mode`.execute(trx)
      taken()
      await released
    })
    await isTaken
    return async () => {
      release()
      await held
    }
  }
}

/** Every write fails with this SQLSTATE, raised by the server itself. */
export function failing({ db }: Database, sqlState: string): Trouble {
  const tables = ['jobs', 'errands', 'attempts', 'model_usage', 'job_events'] as const
  return async () => {
    const raise = `begin raise exception 'trouble' using errcode = '${sqlState}'; end`
    await sql`create or replace function trouble() returns trigger language plpgsql as ${sql.lit(raise)}`.execute(db)
    for (const table of tables) {
      await sql`create trigger trouble before insert or update on ${sql.table(table)} execute function trouble()`.execute(
        db,
      )
    }
    return async () => {
      for (const table of tables) await sql`drop trigger trouble on ${sql.table(table)}`.execute(db)
    }
  }
}

/** The file is somewhere else for a while, with everything that belongs to it. */
export function movedAway(path: string): Trouble {
  const parts = [path, `${path}-wal`, `${path}-shm`]
  const move = (from: string, to: string) => {
    for (const part of parts) if (existsSync(part + from)) renameSync(part + from, part + to)
  }
  return async () => {
    move('', '.away')
    return async () => {
      // Whoever looked for it meanwhile may have made an empty one.
      for (const part of parts) if (existsSync(`${part}.away`)) rmSync(part, { force: true })
      move('.away', '')
    }
  }
}

/** A server behind a door that can be shut: connections break and new ones are refused. */
export class Door {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #server = createServer()
  #port = 0

  private constructor(url: URL) {
    this.#target = { host: url.hostname, port: Number(url.port) }
  }

  static async before(url: string): Promise<{ readonly door: Door; readonly url: string }> {
    const inner = new URL(url)
    const door = new Door(inner)
    await door.#open()
    inner.port = String(door.#port)
    return { door, url: inner.toString() }
  }

  readonly shut: Trouble = async () => {
    await this.close()
    return () => this.#open()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #open(): Promise<void> {
    this.#server = createServer((client) => {
      const inner = connect(this.#target)
      for (const socket of [client, inner]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          this.#sockets.delete(socket)
          client.destroy()
          inner.destroy()
        })
      }
      client.pipe(inner).pipe(client)
    })
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    const address = this.#server.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
  }
}

/** A small disk of its own, where this machine lets us make one; null where not. */
export function smallDisk(
  place: string,
): { readonly directory: string; readonly fill: Trouble; remove(): void } | null {
  const directory = join(place, 'small-disk')
  mkdirSync(directory, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'orch-torture', directory], { stdio: 'ignore' })
  } catch {
    return null
  }
  const ballast = join(directory, 'ballast')
  const fill: Trouble = async () => {
    fillDisk(ballast)
    return async () => rmSync(ballast)
  }
  return { directory, fill, remove: () => void execFileSync('umount', ['-l', directory], { stdio: 'ignore' }) }
}

function fillDisk(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const target = openSync(file, 'w')
  try {
    // Down to the last byte: SQLite needs one page to go on.
    for (const size of [1 << 20, 4096, 1]) {
      const piece = Buffer.alloc(size)
      try {
        for (;;) if (writeSync(target, piece) < size) break
      } catch {
        // Full for pieces of this size.
      }
    }
  } finally {
    closeSync(target)
  }
}

/** Waits until the condition holds or the time is over. */
export async function waitUntil(holds: () => boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!holds() && Date.now() < deadline) await pause(5)
}
