import { nearestText, type NearestText } from './nearest-text.ts'

export interface TextEdit {
  readonly find: string
  readonly replace: string
  readonly all: boolean
}

/** An edit that was not made, and what would help to make it. */
export type EditMiss =
  | { readonly kind: 'missing'; readonly nearest: NearestText | null }
  /** The lines, from 1, on which the text begins. */
  | { readonly kind: 'ambiguous'; readonly lines: readonly number[] }
  | { readonly kind: 'empty' }

export type TextEdited = { readonly kind: 'edited'; readonly text: string; readonly replaced: number } | EditMiss

/**
 * Replaces exact text. In a file with Windows line ends, text given with plain ones is understood and its replacement
 * keeps the file's ends.
 */
export function editText(text: string, edit: TextEdit): TextEdited {
  if (edit.find === '') return { kind: 'empty' }
  const windows = text.includes('\r\n') && !edit.find.includes('\r')
  const find = windows ? edit.find.replaceAll('\n', '\r\n') : edit.find
  const replace = windows ? edit.replace.replaceAll(/\r?\n/g, '\r\n') : edit.replace
  const parts = text.split(find)
  const found = parts.length - 1
  if (found === 0) return { kind: 'missing', nearest: nearestText(text, edit.find) }
  if (found > 1 && !edit.all) return { kind: 'ambiguous', lines: startingLines(parts, find) }
  return { kind: 'edited', text: parts.join(replace), replaced: found }
}

function startingLines(parts: readonly string[], find: string): readonly number[] {
  const lines: number[] = []
  let line = 1
  for (const part of parts.slice(0, -1)) {
    line += lineBreaks(part)
    lines.push(line)
    line += lineBreaks(find)
  }
  return lines
}

function lineBreaks(text: string): number {
  return text.split('\n').length - 1
}
