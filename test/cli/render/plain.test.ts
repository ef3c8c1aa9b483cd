import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlainFilter, plain, plainLine } from '../../../src/cli/render/plain.ts'

describe('plain', () => {
  it.each([
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['a window title', '\u001b]0;pwned\u0007text', 'text'],
    ['a hyperlink', '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['a clipboard write in C1 form', '\u009d52;c;aGk=\u009cdone', 'done'],
    ['a device control string', 'a\u001bPq#0;2;0;0;0\u001b\\b', 'ab'],
    ['a two-character escape', 'a\u001bcb', 'ab'],
    ['a character set choice', 'a\u001b(0b', 'ab'],
    ['an escape inside an escape', 'a\u001b[\u001b[31mb', 'ab'],
    ['carriage return and backspace', 'safe\r\b\b\bevil', 'safeevil'],
    ['right-to-left overrides', 'a\u202eb\u2066c', 'abc'],
    ['tag characters', 'a\u{e0041}\u{e007f}b', 'ab'],
    ['lone surrogates', 'a\ud800b', 'a\ufffdb'],
  ])('takes out %s', (_name, input, expected) => {
    expect(plain(input)).toBe(expected)
  })

  it('keeps newlines, tabs, accents, wide characters and emoji', () => {
    const text = 'a\tb\né 漢字 👩‍👩‍👧 नमस्ते'
    expect(plain(text)).toBe(text)
  })

  it('shows what follows an unterminated sequence from the next line on', () => {
    expect(plain('a\u001b]0;never closed\nnext line')).toBe('a\nnext line')
  })

  it('changes nothing the second time', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => plain(plain(text)) === plain(text)))
  })
})

describe('PlainFilter', () => {
  it('gives the same text however the input is cut', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\u001b[', '\u001b]', '\u001b', '\\', '\u0007', '👍', '\n'),
      ),
    )
    fc.assert(
      fc.property(pieces, (chunks) => {
        const filter = new PlainFilter()
        const streamed = chunks.map((chunk) => filter.write(chunk)).join('') + filter.end()
        return streamed === plain(chunks.join(''))
      }),
    )
  })

  it('holds half a surrogate pair until the other half arrives', () => {
    const filter = new PlainFilter()
    const [high, low] = ['👍'.slice(0, 1), '👍'.slice(1)]
    expect([filter.write(high), filter.write(low), filter.end()]).toEqual(['', '👍', ''])
  })

  it('starts afresh after the end', () => {
    const filter = new PlainFilter()
    filter.write('\u001b]0;open')
    filter.end()
    expect(filter.write('text')).toBe('text')
  })
})

describe('plainLine', () => {
  it('puts everything on one line', () => {
    expect(plainLine('a\n\tb\u2028c\r\nd')).toBe('a b c d')
  })
})
