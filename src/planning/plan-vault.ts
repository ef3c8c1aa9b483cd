/** Where plans and raw replies are kept as files, so that nothing paid for is lost with a table or a process. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OrchError, errorMessage, systemErrorCode } from '../errors/orch-error.ts'
import type { Clock } from '../runtime/clock.ts'

export interface VaultOptions {
  /** `.orch/plans` of the project directory. */
  readonly directory: string
  /** Used when the directory cannot be written, for example on a full or read-only disk. */
  readonly fallbackDirectory: string
  readonly clock: Clock
}

export class PlanVault {
  readonly #options: VaultOptions

  constructor(options: VaultOptions) {
    this.#options = options
  }

  /** Keeps a model's raw reply as `<slug>-reply-<time>.txt` and returns the path. */
  async keepReply(slug: string, text: string): Promise<string> {
    const time = new Date(this.#options.clock.now()).toISOString().replaceAll(/[:.]/g, '-')
    return this.#keep((number) => `${slug}-reply-${time}${number === 1 ? '' : `-${number}`}.txt`, text)
  }

  /** Keeps a plan as `<slug>.yaml`, or with a number where that name is taken, and returns the path. */
  async keepPlan(slug: string, yaml: string): Promise<string> {
    return this.#keep((number) => `${slug}${number === 1 ? '' : `-${number}`}.yaml`, yaml)
  }

  /** Forgets a reply whose plan is safe elsewhere. */
  async remove(path: string): Promise<void> {
    await rm(path, { force: true })
  }

  async #keep(name: (number: number) => string, text: string): Promise<string> {
    const { directory, fallbackDirectory } = this.#options
    try {
      return await writeNew(directory, name, text)
    } catch (error) {
      try {
        return await writeNew(fallbackDirectory, name, text)
      } catch {
        throw new OrchError('ORCH_FILE_UNREADABLE', `Cannot write to ${directory}: ${errorMessage(error)}`, {
          hint: 'Make room there, or run orch where it may write',
          cause: error,
        })
      }
    }
  }
}

/** Writes under the first free name; never over a file that exists. */
async function writeNew(directory: string, name: (number: number) => string, text: string): Promise<string> {
  await mkdir(directory, { recursive: true })
  for (let number = 1; ; number++) {
    const path = join(directory, name(number))
    try {
      await writeFile(path, text, { flag: 'wx' })
      return path
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
  }
}
