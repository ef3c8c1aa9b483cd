import { isUtf8 } from 'node:buffer'
import { OrchError } from '../errors/orch-error.ts'

export interface ReadLines {
  /** First line wanted, from 1. */
  readonly firstLine?: number
  readonly maxLines?: number
  /** Bytes of text returned at most. Default 256 KiB. */
  readonly maxBytes?: number
}

export interface TextLines {
  readonly text: string
  readonly firstLine: number
  /** The last line returned; `firstLine - 1` when there was none. */
  readonly lastLine: number
  readonly totalLines: number
  /** Whether a line was cut in the middle to keep to the limit. */
  readonly cut: boolean
}

const defaultMaxBytes = 256 * 1024

/** Bytes as text. Throws ORCH_FILE_UNREADABLE for what is not UTF-8 text. */
export function decodeText(path: string, content: Buffer): string {
  if (content.includes(0) || !isUtf8(content)) {
    throw new OrchError('ORCH_FILE_UNREADABLE', `${path} is not UTF-8 text`, {
      hint: 'Binary files can be listed and hashed, not read.',
    })
  }
  return content.toString('utf8')
}

/** A window of lines within a limit of bytes. A line longer than the whole limit is cut. */
export function readLines(text: string, options: ReadLines = {}): TextLines {
  const lines = text.split('\n')
  // A newline at the end closes the last line, it does not open another one.
  if (lines.at(-1) === '') lines.pop()
  const firstLine = Math.max(1, options.firstLine ?? 1)
  let room = options.maxBytes ?? defaultMaxBytes
  const window: string[] = []
  for (const line of lines.slice(firstLine - 1, firstLine - 1 + (options.maxLines ?? lines.length))) {
    room -= Buffer.byteLength(line) + 1
    if (room < 0) break
    window.push(line)
  }
  const wanted = lines[firstLine - 1]
  const cut = window.length === 0 && wanted !== undefined
  if (cut) window.push(cutBytes(wanted, options.maxBytes ?? defaultMaxBytes))
  return {
    text: window.join('\n'),
    firstLine,
    lastLine: firstLine - 1 + window.length,
    totalLines: lines.length,
    cut,
  }
}

/** The longest beginning of a text that fits into so many bytes of UTF-8. */
export function cutBytes(text: string, bytes: number): string {
  const cut = Buffer.from(text, 'utf8').subarray(0, bytes)
  return new TextDecoder('utf-8').decode(cut).replace(/\ufffd+$/, '')
}
