/** Notices an agent that goes round in circles (reliability-security.md section 3, "Agent repeats the same tool call"). */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../domain/canonical-json.ts'

export interface ObservedCall {
  readonly name: string
  readonly input: unknown
  readonly output: string
  /** Whether it changed the workspace. */
  readonly changes: boolean
}

/** The same call with the same result so often is a loop. */
const mostRepetitions = 3
/** So many calls in a row that all bring nothing new are a loop, however long its round is. */
const mostBarrenCalls = 5
/** What is further back may have left the model's context meanwhile, so that asking again is honest. */
const rememberedCalls = 20

interface Remembered {
  readonly key: string
  readonly call: ObservedCall
}

/**
 * Watches the tool calls of one conversation. A call is the same as another when name, input and result are equal, so
 * that a poll whose answer changes is none. Depends on nothing but the calls it is given: a resumed attempt that
 * replays its journal comes to the same verdict.
 */
export class RepetitionGuard {
  /** The latest calls, oldest first. */
  #recent: Remembered[] = []
  /** Calls that count: reading ones before the last change are forgotten. */
  #counted: Remembered[] = []
  #barren = 0

  /** Notes a call. Null while the agent gets on; otherwise what it repeats, for people. */
  note(call: ObservedCall): string | null {
    const one = { key: keyOf(call), call }
    // After an edit the same test run with the same failure is an honest question.
    if (call.changes) this.#counted = this.#counted.filter((earlier) => earlier.call.changes)
    const times = this.#counted.filter(({ key }) => key === one.key).length + 1
    this.#barren = times === 1 ? 0 : this.#barren + 1
    this.#counted = [...this.#counted, one].slice(-rememberedCalls)
    this.#recent = [...this.#recent, one].slice(-rememberedCalls)
    if (times >= mostRepetitions) {
      return `the model made the same call ${times} times and got the same answer each time: ${callText(call)}`
    }
    return this.#alternation() ?? this.#circle(one)
  }

  /** A-B-A-B: the same two calls with the same results, twice over. */
  #alternation(): string | null {
    const [first, second, third, fourth] = this.#recent.slice(-4)
    if (first === undefined || second === undefined || first.key === second.key) return null
    if (first.key !== third?.key || second.key !== fourth?.key) return null
    return `the model made the same two calls in turn, twice over, and got the same answers: ${callText(first.call)} and ${callText(second.call)}`
  }

  #circle({ call }: Remembered): string | null {
    if (this.#barren < mostBarrenCalls) return null
    return `the model made ${this.#barren} calls in a row that it had made before with the same answers, the last one ${callText(call)}`
  }
}

function keyOf({ name, input, output }: ObservedCall): string {
  return createHash('sha256')
    .update(canonicalJson([name, input, output]))
    .digest('hex')
}

const shownInput = 120

/** `read {"path":"notes.md"}`, cut. */
function callText({ name, input }: ObservedCall): string {
  const text = JSON.stringify(input) ?? ''
  return `${name} ${text.length <= shownInput ? text : `${text.slice(0, shownInput)}...`}`
}
