/** Promise 12: model text printed to a terminal is stripped of control sequences, wherever its pieces are cut. */
import { describe, expect, it } from 'vitest'
import { PlainFilter, plain } from '../../src/cli/render/plain.ts'
import { seededRandom } from '../../src/runtime/random.ts'

const introducers = ['\u001b[', '\u001b]', '\u001bP', '\u001bX', '\u001b^', '\u001b_', '\u001b', '\u001b(', '\u001b#']
const c1 = ['\u009b', '\u009d', '\u0090', '\u0098', '\u009e', '\u009f', '\u0085', '\u008d']
const bodies = [
  '31m',
  '2J',
  '0;title',
  '8;;http://a.example',
  '52;c;aGk=',
  '?1049h',
  '1;1H',
  'q#0',
  '6n',
  '',
  ' q',
  '漢',
]
const ends = ['\u0007', '\u001b\\', '\u009c', '\u0018', '\u001a', '', '\n', 'm', '\u001b']
const singles = [
  '\r',
  '\b',
  '\u0000',
  '\u007f',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u061c',
  '\u{e0041}',
  '\u{e0001}',
  '\ud83d',
]
const texts = ['ok', 'naïve', '👍', '\t', '\n', '漢字']

/** 500 strings of up to four parts, each a sequence (whole, cut, nested) or a lone control, between pieces of text. */
const corpus = makeCorpus(500)

/** What may reach a terminal: newline, tab, and UTF-8 text without C0, DEL, C1, bidi and tag characters. */
function forbiddenBytes(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8')
  const controls = [...bytes].filter((byte) => (byte < 0x20 && byte !== 0x0a && byte !== 0x09) || byte === 0x7f)
  const hex = bytes.toString('hex').replaceAll(/../g, '$& ')
  // C2 80-9F is C1; D8 9C, E2 80 8E-8F, E2 80 AA-AE, E2 81 A6-AF are bidi controls; F3 A0 is where tags live.
  const sequences = hex.match(/\bc2 [89]. |\bd8 9c |\be2 80 (8[ef]|a[a-e]) |\be2 81 a[6-9a-f] |\bf3 a0 /g) ?? []
  return [...controls.map((byte) => byte.toString(16)), ...sequences]
}

describe('plain output', () => {
  it('lets only allowed bytes through for 500 strings at every split point', () => {
    const leaks = new Set<string>()
    let splits = 0
    for (const text of corpus) {
      const whole = plain(text)
      for (let cut = 0; cut <= text.length; cut += 1) {
        const filter = new PlainFilter()
        const parts = [filter.write(text.slice(0, cut)), filter.write(text.slice(cut)), filter.end()]
        for (const part of parts) for (const byte of forbiddenBytes(part)) leaks.add(`${JSON.stringify(text)}: ${byte}`)
        if (parts.join('') !== whole) leaks.add(`${JSON.stringify(text)} cut at ${cut} differs`)
        splits += 1
      }
    }
    expect([...leaks]).toEqual([])
    expect(corpus).toHaveLength(500)
    expect(splits).toBeGreaterThan(5000)
  })

  it('keeps the text around a sequence', () => {
    for (const introducer of [...introducers.slice(0, 6), ...c1.slice(0, 6)]) {
      expect(plain(`before\n${introducer}0;x\u001b\\\nafter`)).toMatch(/^before\n[^]*\nafter$/)
    }
  })

  it('sees the bytes it looks for', () => {
    expect(forbiddenBytes('\u001b\u0085\u202e\u061c\u2066\u{e0041}')).toHaveLength(6)
  })
})

function makeCorpus(count: number): string[] {
  const random = seededRandom(12)
  const pick = (from: readonly string[]): string => from[Math.floor(random.next() * from.length)] ?? ''
  const part = (): string => {
    const kind = random.next()
    if (kind < 0.2) return pick(singles)
    return pick(kind < 0.6 ? introducers : c1) + pick(bodies) + pick(ends)
  }
  const found = new Set<string>()
  while (found.size < count) {
    const parts = Math.ceil(random.next() * 4)
    found.add(pick(texts) + Array.from({ length: parts }, () => part() + pick(texts)).join(''))
  }
  return [...found]
}
