import { constants } from 'node:fs'
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallDeps } from './call-deps.ts'
import { errorMessage, systemErrorCode } from '../errors/orch-error.ts'

/** A result that was received (and perhaps paid) and is not in the database yet. */
export interface SpoolEntry {
  readonly version: 1
  /** The errand, or the reservation of a call outside a job. */
  readonly id: string
  readonly requestHash: string
  /** The address of the database it belongs to: one spool serves all databases of a user on a host. */
  readonly database: string
  readonly output: unknown
  /** What the commit books; null for effects that cost nothing. */
  readonly settlement: unknown
}

/**
 * Results between the effect and its commit: one file each, 0600 in a 0700 directory, fsynced with its
 * directory entry before `put` returns, so that neither a kill nor a power cut loses what was bought.
 */
export class Spool {
  readonly #directory: string
  readonly #onDamage: (message: string) => void

  /**
   * @param directory per host, in the state directory: another host's results would never be read.
   * @param onDamage told of each file that cannot be read
   */
  constructor(directory: string, onDamage: (message: string) => void = () => {}) {
    this.#directory = directory
    this.#onDamage = onDamage
  }

  /** Stores a result durably. Throws the file system's error when it cannot. */
  async put(entry: SpoolEntry): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const path = this.#path(entry.id)
    const draft = `${path}.draft`
    const file = await open(draft, 'w', 0o600)
    try {
      await file.chmod(0o600)
      await file.writeFile(JSON.stringify(entry))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
    await this.#syncDirectory()
  }

  /**
   * The stored result of an id, or null. Never throws: a file that is cut is set aside for whoever wants to look at
   * it, one of a newer orch is left to it, and both count as none.
   */
  async take(id: string): Promise<SpoolEntry | null> {
    const path = this.#path(id)
    try {
      const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
      return isEntry(parsed, id) ? parsed : null
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return null
      await this.#setAside(path, error)
      return null
    }
  }

  async #setAside(path: string, error: unknown): Promise<void> {
    const aside = `${path}.damaged`
    const moved =
      error instanceof SyntaxError &&
      (await rename(path, aside).then(
        () => true,
        () => false,
      ))
    this.#onDamage(`A stored result cannot be read: ${errorMessage(error)}. The file is ${moved ? aside : path}`)
  }

  /** Ids of the results that wait for their commit; those of other writers included. */
  async ids(): Promise<readonly string[]> {
    const names = await readdir(this.#directory).catch(() => [])
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
  }

  /** Removes a result that is committed. Never throws: one that stays is booked already and changes nothing. */
  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true }).catch(() => {})
  }

  #path(id: string): string {
    // Ids are UUIDs; anything else must not become a path.
    return join(this.#directory, `${id.replaceAll(/[^A-Za-z0-9_-]/g, '_')}.json`)
  }

  async #syncDirectory(): Promise<void> {
    if (process.platform === 'win32') return
    const directory = await open(this.#directory, constants.O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }
}

/** The spool of a call's surroundings; what is damaged is said once each. */
export function spoolOf({ spoolDir, warnOnce }: Pick<CallDeps, 'spoolDir' | 'warnOnce'>): Spool {
  return new Spool(spoolDir, (message) => warnOnce(message, message))
}

function isEntry(value: unknown, id: string): value is SpoolEntry {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === 1 &&
    'id' in value &&
    value.id === id &&
    'requestHash' in value &&
    'database' in value &&
    'output' in value &&
    'settlement' in value
  )
}
