/**
 * The form of an export: gzip of JSON lines. The first says what it is; then for each table one line with its name
 * and one for each row, an array of texts as Postgres spells the values; the last holds number and digest of the
 * rows of each table, so that a file that was cut or changed is recognized.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGunzip, createGzip } from 'node:zlib'
import { OrchError, errorMessage } from '../../errors/orch-error.ts'
import { RowsDigest } from './rows-digest.ts'

export interface ExportHeader {
  readonly format: 'orch-export'
  readonly version: 1
  /** Epoch milliseconds by the server's clock. */
  readonly takenAt: number
  /** The orch that wrote the ledger's last row; null without a ledger. */
  readonly migratedBy: string | null
  /** Names in the ledger, in order. */
  readonly migrations: readonly string[]
  readonly tables: readonly ExportedTable[]
}

export interface ExportedTable {
  readonly name: string
  /** In the order of the values of a row. */
  readonly columns: readonly string[]
}

/** `rows digest` by table. */
export type Digests = Readonly<Record<string, string>>

/** One line of an export, as it is read back. */
export type ExportLine =
  | { readonly kind: 'header'; readonly header: ExportHeader }
  | { readonly kind: 'row'; readonly table: string; readonly text: string }
  | { readonly kind: 'end'; readonly digests: Digests }

/** Writes the lines into an existing file. */
export async function writeExport(path: string, lines: AsyncIterable<string>): Promise<void> {
  await pipeline(
    Readable.from(withLineEnds(lines)),
    createGzip({ level: constants.Z_BEST_SPEED }),
    createWriteStream(path, { flags: 'r+' }),
  )
}

async function* withLineEnds(lines: AsyncIterable<string>): AsyncIterable<string> {
  for await (const line of lines) yield `${line}\n`
}

/** Reads an export line by line. Throws ORCH_BACKUP_FAILED where it is none. */
export async function* readExport(path: string): AsyncGenerator<ExportLine> {
  const file = createReadStream(path)
  const content = createGunzip()
  const piped = pipeline(file, content)
  // Reported by the reading below.
  piped.catch(() => {})
  let table: string | null = null
  try {
    for await (const text of createInterface({ input: content, crlfDelay: Infinity })) {
      if (text.startsWith('[')) {
        if (table === null) throw new Error('a row comes before its table')
        yield { kind: 'row', table, text }
        continue
      }
      const said = JSON.parse(text) as { format?: string; table?: string; end?: Digests }
      if (said.table !== undefined) table = said.table
      else if (said.end !== undefined) yield { kind: 'end', digests: said.end }
      else yield { kind: 'header', header: headerOf(said) }
    }
    await piped
  } catch (error) {
    if (error instanceof OrchError) throw error
    throw unreliable(path, errorMessage(error), error)
  } finally {
    file.destroy()
  }
}

function headerOf(said: object): ExportHeader {
  const header = said as ExportHeader
  if (header.format !== 'orch-export') throw new Error('it is no export of orch')
  if (header.version !== 1) throw new Error('a newer orch wrote it')
  return header
}

export interface VerifiedExport {
  readonly header: ExportHeader
  readonly digests: Digests
}

/** Reads the whole file and compares it with its own last line. Throws ORCH_BACKUP_FAILED unless it is sound. */
export async function verifyExport(path: string): Promise<VerifiedExport> {
  let header: ExportHeader | null = null
  let end: Digests | null = null
  const found = new Map<string, RowsDigest>()
  for await (const line of readExport(path)) {
    if (line.kind === 'header') header = line.header
    else if (line.kind === 'end') end = line.digests
    else digestOf(found, line.table).add(line.text)
  }
  if (header === null || end === null) throw unreliable(path, 'it was cut')
  for (const { name } of header.tables) {
    if (digestOf(found, name).text !== end[name])
      throw unreliable(path, `the rows of ${name} are not those it was made with`)
  }
  return { header, digests: end }
}

function digestOf(digests: Map<string, RowsDigest>, table: string): RowsDigest {
  const digest = digests.get(table) ?? new RowsDigest()
  digests.set(table, digest)
  return digest
}

function unreliable(path: string, why: string, cause?: unknown): OrchError {
  return new OrchError('ORCH_BACKUP_FAILED', `${path} cannot be relied on: ${why}`, {
    hint: 'It was read whole, and that failed: use another backup',
    cause,
  })
}

/** Rows by table, out of the digests. */
export function rowsOf(digests: Digests): ReadonlyMap<string, number> {
  return new Map(Object.entries(digests).map(([table, text]) => [table, Number(text.split(' ')[0])]))
}
