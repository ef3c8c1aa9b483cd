/** Where in the source of a migration each of its statements stands, so that a finding can point at the line. */
import { readFile } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { QueryId, RootOperationNode } from 'kysely'
import type { MigrationEngine } from './engine.ts'

export interface SourcePlace {
  /** Absolute. */
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** Deep enough to get from the compiler through the builders to whoever uses them. */
const framesKept = 40
/** `at up (/home/me/migrations/0018-notes.ts:12:8)`, with a path or a file URL. */
const frame = /^\s*at (?:.*\()?((?:file:\/\/)?\/[^()]+|[A-Za-z]:\\[^()]+):(\d+):(\d+)\)?$/
/** The machinery between a migration and its statement. */
const machinery = /[\\/]node_modules[\\/]|[\\/]src[\\/]database[\\/]migration[\\/]/

/** The origins of one migration's statements on one engine. */
export class StatementOrigins {
  readonly #stacks = new Map<string, string>()
  readonly #queries = new Map<string, string>()

  /**
   * The same engine, which notes who asked for each statement. A builder compiles at the very moment at which the
   * migration executes it, so the migration's own line is still on the stack; later it is not.
   */
  watch(engine: MigrationEngine): MigrationEngine {
    return {
      ...engine,
      createQueryCompiler: () => {
        const compiler = engine.createQueryCompiler()
        return {
          compileQuery: (node: RootOperationNode, queryId: QueryId) => {
            const compiled = compiler.compileQuery(node, queryId)
            if (!this.#stacks.has(queryId.queryId)) this.#stacks.set(queryId.queryId, currentStack())
            this.#queries.set(compiled.sql, queryId.queryId)
            return compiled
          },
        }
      },
    }
  }

  /** Null where the source is not to be found. */
  async of(sql: string): Promise<SourcePlace | null> {
    const stack = this.#stacks.get(this.#queries.get(sql) ?? '') ?? ''
    for (const line of stack.split('\n')) {
      const [, file, row, column] = frame.exec(line) ?? []
      if (file === undefined) continue
      const place = await original({ file: toPath(file), line: Number(row) }, Number(column))
      if (!machinery.test(place.file)) return place
    }
    return null
  }
}

function currentStack(): string {
  const usual = Error.stackTraceLimit
  Error.stackTraceLimit = framesKept
  const { stack = '' } = new Error('here')
  Error.stackTraceLimit = usual
  return stack
}

function toPath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file
}

/** The place in the sources of a bundle; a file without a map is its own source. */
async function original(place: SourcePlace, column: number): Promise<SourcePlace> {
  const map = await sourceMap(`${place.file}.map`)
  const entry = map?.findEntry(place.line - 1, column - 1)
  if (entry === undefined || !('originalSource' in entry)) return place
  return { file: resolve(dirname(place.file), entry.originalSource), line: entry.originalLine + 1 }
}

async function sourceMap(path: string): Promise<SourceMap | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  return text === null ? null : new SourceMap(JSON.parse(text) as SourceMapPayload)
}
