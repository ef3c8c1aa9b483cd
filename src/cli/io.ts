/** The command's mouth: data on stdout, everything else on stderr, one JSON document with `--json`. */
import { Chalk, type ChalkInstance } from 'chalk'
import { OrchError } from '../errors/orch-error.ts'
import { redact } from '../runtime/redaction.ts'
import type { Streams } from '../runtime/streams.ts'
import type { GlobalOptions } from './command.ts'
import { plain } from './render/plain.ts'

interface Warning {
  readonly message: string
  readonly hint?: string
}

/** What a command may say. */
export interface Io {
  readonly streams: Streams
  /** A person watches stdout and wants text: live elements are allowed. */
  readonly isTerminal: boolean
  /** A person can be asked. */
  readonly canAsk: boolean
  readonly json: boolean
  readonly colors: ChalkInstance
  /** Prints the command's one result: a JSON document, or text. */
  result(kind: string, data: unknown, text: () => string): void
  /** Prints one event of a stream: a line of JSON, or a line of text (nothing for null). */
  event(kind: string, data: unknown, line: () => string | null): void
  /** A warning: stderr at once, and in the JSON document. The same one is said once. */
  warn(message: string, hint?: string): void
  /** Progress for people: stderr, silent with `--quiet` and `--json`. */
  progress(message: string): void
  /** Asks for a yes. `--yes` answers it; without a terminal it throws ORCH_NEEDS_CONFIRMATION naming the flag to use. */
  confirm(question: string, flag?: string): Promise<boolean>
  /** Takes a secret: typed without echo on a terminal, otherwise all of stdin. Never from the command line. */
  secret(question: string): Promise<string>
}

/** Builds the Io of one invocation. `NO_COLOR`, `CI` and pipes are honoured. */
export function createIo(streams: Streams, globals: GlobalOptions, env: NodeJS.ProcessEnv): Io {
  const warnings: Warning[] = []
  const ci = isSet(env['CI'])
  // chalk itself ignores NO_COLOR.
  const colorful = globals.color && !globals.json && streams.stdout.isTTY === true && !isSet(env['NO_COLOR'])
  const canAsk = streams.stdin.isTTY === true && streams.stderr.isTTY === true && !ci && !globals.json
  const say = (text: string) => void streams.stderr.write(redact(plain(text)))
  const document = (fields: object) => void streams.stdout.write(`${JSON.stringify(fields)}\n`)
  return {
    streams,
    isTerminal: streams.stdout.isTTY === true && !globals.json && !ci,
    canAsk,
    json: globals.json,
    colors: new Chalk({ level: colorful ? 1 : 0 }),
    result: (kind, data, text) => {
      if (globals.json) document({ kind, version: 1, data, warnings })
      else streams.stdout.write(endLine(text()))
    },
    event: (kind, data, line) => {
      if (globals.json) return document({ kind, version: 1, data })
      const text = line()
      if (text !== null) streams.stdout.write(endLine(text))
    },
    warn: (message, hint) => {
      if (warnings.some((known) => known.message === message)) return
      warnings.push(hint === undefined ? { message } : { message, hint })
      if (!globals.json) say(`warning: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`)
    },
    progress: (message) => {
      if (!globals.quiet && !globals.json) say(`${message}\n`)
    },
    confirm: (question, flag = '--yes') => confirm({ question, flag, assume: globals.yes, canAsk }),
    secret: (question) => (canAsk ? askSecret(question) : readAll(streams.stdin)),
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

interface Question {
  readonly question: string
  readonly flag: string
  readonly assume: boolean
  readonly canAsk: boolean
}

async function confirm({ question, flag, assume, canAsk }: Question): Promise<boolean> {
  if (assume) return true
  if (!canAsk) {
    throw new OrchError('ORCH_NEEDS_CONFIRMATION', `This needs a yes: ${question}`, {
      hint: `Without a terminal nothing is asked: pass ${flag}`,
    })
  }
  const prompts = await import('@clack/prompts')
  const answer = await prompts.confirm({
    message: plain(question),
    initialValue: false,
    output: process.stderr,
  })
  return answer === true
}

async function askSecret(question: string): Promise<string> {
  const prompts = await import('@clack/prompts')
  const answer = await prompts.password({ message: plain(question), output: process.stderr })
  if (typeof answer === 'string') return answer
  throw new OrchError('ORCH_INTERRUPTED', 'Nothing was entered')
}

async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Buffer | string))
  return Buffer.concat(chunks).toString('utf8')
}
