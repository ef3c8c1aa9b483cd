/**
 * The one way model text reaches a terminal: what a terminal would obey is taken out, what a person would read stays.
 * The rules follow ECMA-48 (control functions, sections 5.3 to 5.6) and the parser of xterm; `reference` cases are
 * CVE-2026-47090 (OSC 8 and 52 from a model) and CVE-2025-58160.
 */

const escape = 0x1b
const cancel = 0x18
const substitute = 0x1a
const bell = 0x07
const stringTerminator = 0x9c

/** C0 but newline and tab, DEL, C1, surrogates (pairs are judged one by one), bidi controls, annotation marks. */
// oxlint-disable-next-line no-control-regex -- control characters are what this file is about
const suspicious =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff]/

type State = 'text' | 'escape' | 'intermediate' | 'sequence' | 'string' | 'string-escape'

/** The text without control sequences, bidi controls and tag characters; newlines and tabs stay. */
export function plain(text: string): string {
  if (!suspicious.test(text)) return text
  const filter = new PlainFilter()
  return filter.write(text) + filter.end()
}

/** `plain` on one line: line breaks and tabs become spaces. */
export function plainLine(text: string): string {
  return plain(text).replaceAll(/[\n\t\u2028\u2029]+/g, ' ')
}

/**
 * `plain` for text that arrives in pieces: a sequence cut anywhere, even inside a surrogate pair, is still recognised.
 * For every split, the outputs joined equal `plain` of the pieces joined.
 */
export class PlainFilter {
  #state: State = 'text'
  #highSurrogate = ''

  /** What of this piece may be shown now. */
  write(chunk: string): string {
    const text = this.#highSurrogate + chunk
    this.#highSurrogate = ''
    let output = ''
    for (let index = 0; index < text.length;) {
      const code = text.codePointAt(index) ?? 0
      if (isHighSurrogate(code) && index === text.length - 1) {
        this.#highSurrogate = text.slice(index)
        break
      }
      const character = text.slice(index, index + (code > 0xffff ? 2 : 1))
      if (this.#shows(code)) output += isSurrogate(code) ? '\ufffd' : character
      index += character.length
    }
    return output
  }

  /** What was held back. An unterminated sequence is dropped; the filter is ready for new text. */
  end(): string {
    const held = this.#highSurrogate !== '' && this.#state !== 'string' ? '\ufffd' : ''
    this.#highSurrogate = ''
    this.#state = 'text'
    return held
  }

  /** Moves the state machine on by one code point and tells whether it is text to show. */
  #shows(code: number): boolean {
    if (code === 0x0a) {
      // A newline ends every sequence, so that one stray introducer cannot hide the rest of a text.
      this.#state = 'text'
      return true
    }
    if (code === cancel || code === substitute) return this.#become('text')
    switch (this.#state) {
      case 'text':
        return this.#text(code)
      case 'escape':
        return this.#afterEscape(code)
      case 'intermediate':
        return this.#until(code, 0x30)
      case 'sequence':
        return this.#until(code, 0x40)
      case 'string':
        return this.#insideString(code)
      case 'string-escape':
        // ESC \ ends the string; ESC and anything else ends it too and starts a sequence of its own.
        return code === 0x5c ? this.#become('text') : this.#afterEscape(code)
    }
  }

  #become(state: State): false {
    this.#state = state
    return false
  }

  #text(code: number): boolean {
    this.#state = 'text'
    if (code === escape) return this.#become('escape')
    if (code === 0x9b) return this.#become('sequence')
    if (isStringIntroducer(code - 0x40)) return this.#become('string')
    return isShown(code)
  }

  #afterEscape(code: number): boolean {
    if (code === 0x5b) return this.#become('sequence')
    if (isStringIntroducer(code)) return this.#become('string')
    if (code >= 0x20 && code <= 0x2f) return this.#become('intermediate')
    if (code >= 0x30 && code <= 0x7e) return this.#become('text')
    return this.#text(code)
  }

  /** Parameter and intermediate bytes up to the final byte, which is `firstFinal` or above. */
  #until(code: number, firstFinal: number): boolean {
    if (code >= 0x20 && code < firstFinal) return false
    if (code >= firstFinal && code <= 0x7e) return this.#become('text')
    return this.#text(code)
  }

  #insideString(code: number): boolean {
    if (code === escape) return this.#become('string-escape')
    if (code === bell || code === stringTerminator) return this.#become('text')
    return false
  }
}

/** P, X, ], ^ and _ after ESC open a string: DCS, SOS, OSC, PM, APC. The C1 forms are the same plus 0x40. */
function isStringIntroducer(code: number): boolean {
  return code === 0x50 || code === 0x58 || code === 0x5d || code === 0x5e || code === 0x5f
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff
}

function isShown(code: number): boolean {
  if (code < 0x20) return code === 0x09
  if (code >= 0x7f && code <= 0x9f) return false
  // Tag characters and the other invisible ones of plane 14 carry text that only a machine reads.
  if (code >= 0xe0000 && code <= 0xe0fff) return false
  return !isBidiControl(code) && !(code >= 0xfff9 && code <= 0xfffb)
}

/** Unicode Bidi_Control, with the deprecated format characters beside it (U+206A to U+206F). */
function isBidiControl(code: number): boolean {
  return (
    code === 0x061c ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x206f)
  )
}
