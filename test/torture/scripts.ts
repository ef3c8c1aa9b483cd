/** Scripts of the torture lines that run as processes of their own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundledModule } from '../support/bundled-module.ts'

const root = new URL('../..', import.meta.url)

/** Bundles `test/torture/<name>.ts` for as long as `work` takes, and gives it the file to run. */
export async function withScript<T>(name: string, work: (file: string) => Promise<T>): Promise<T> {
  // Inside node_modules, so that packages resolve as they do for the source.
  const directory = mkdtempSync(join(root.pathname, 'node_modules', '.torture-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    return await work(bundledModule(new URL(`test/torture/${name}.ts`, root), directory))
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** A script that says when it is ready, waits for the word, and prints what it saw when it is done. */
export class ScriptProcess {
  readonly child: ChildProcess
  stderr = ''
  #stdout = ''
  readonly #closed: Promise<unknown>

  constructor(file: string, input: unknown) {
    const child = spawn(process.execPath, [file, JSON.stringify(input)], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.child = child
    this.#closed = once(child, 'close')
  }

  /** Resolves when the script has printed its first line, or has ended. */
  async ready(): Promise<void> {
    while (!this.#stdout.includes('\n') && this.child.exitCode === null)
      await once(this.child.stdout ?? this.child, 'data')
  }

  go(): void {
    this.child.stdin?.end('go\n')
  }

  /** The JSON of the last line. Throws what the script wrote to stderr where it failed. */
  async result<T>(): Promise<T> {
    await this.#closed
    const last = this.#stdout.trimEnd().split('\n').at(-1) ?? ''
    if (this.child.exitCode !== 0) throw new Error(`exit code ${this.child.exitCode}: ${this.stderr}`)
    return JSON.parse(last) as T
  }
}
