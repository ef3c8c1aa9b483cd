/**
 * A model server on loopback that speaks the wire protocols of OpenAI, Anthropic, Ollama and Google and
 * says what a test's `respond` tells it. Records every request and the highest concurrency it saw.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { protocolOf, renderReply, renderModels, type FakeProtocol } from './fake-model-wire.ts'

export interface FakeUsage {
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly cachedInputTokens?: number
  readonly cacheWriteTokens?: number
  readonly reasoningTokens?: number
}

/** What the server answers. Exactly one of text, json, toolCalls, status, hang or cut decides the form. */
export interface FakeReply {
  readonly text?: string
  /** Sent as the reply's text. */
  readonly json?: unknown
  readonly toolCalls?: readonly {
    readonly name: string
    readonly input: unknown
    readonly id?: string
  }[]
  /** An HTTP error, or any other raw response, with `body` and `headers`. */
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Never answers; the socket is closed by `close()` or by the client. */
  readonly hang?: boolean
  /** Destroys the socket before the headers, or in the middle of the body. */
  readonly cut?: 'before-headers' | 'mid-body'
  readonly latencyMs?: number
  /** The protocol's own finish reason, for example `length` or `max_tokens`. */
  readonly finish?: string
  readonly usage?: FakeUsage
}

export interface FakeRequest {
  readonly protocol: FakeProtocol
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The parsed JSON body, or null. */
  readonly body: Readonly<Record<string, unknown>> | null
  /** Empty for requests that name no model. */
  readonly model: string
  /** Counts the calls of this model from 1; 0 for listings. */
  readonly callNumber: number
  /** System prompt and every message, joined: what a script usually looks at. */
  readonly prompt: string
  /** Names of the offered tools. */
  readonly tools: readonly string[]
  /** How many tool results the conversation already holds. */
  readonly toolResults: number
}

export interface FakeModelServerOptions {
  readonly respond?: (request: FakeRequest) => FakeReply | Promise<FakeReply>
  /** Models of the listing, each an id or an entry of the protocol's own form. Default `fake-model`. */
  readonly models?: readonly (string | Readonly<Record<string, unknown>>)[]
  /** Answers listings instead of the built-in one when it returns something. */
  readonly list?: (request: FakeRequest) => FakeReply | undefined
  /** Names whose concurrency is watched. */
  readonly groupsOf?: (request: FakeRequest) => readonly string[]
  /** 401 unless a request carries this key in its protocol's header. */
  readonly key?: string
}

export interface FakeModelServer {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly url: string
  readonly port: number
  readonly requests: readonly FakeRequest[]
  /** The requests that ask a model for something: no listings. */
  calls(): readonly FakeRequest[]
  peakConcurrency(): number
  /** The most requests at once among those that the test puts in a group, by `groupsOf`. */
  peaks(): ReadonlyMap<string, number>
  /** Requests that are neither answered nor given up by their client. */
  inFlight(): number
  close(): Promise<void>
}

/** Starts on a free port. Close it at the end of the test. */
export async function startFakeModelServer(options: FakeModelServerOptions = {}): Promise<FakeModelServer> {
  const state = new ServerState(options)
  const server = createServer((request, response) => void state.handle(request, response))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: state.requests,
    calls: () => state.requests.filter((request) => request.callNumber > 0),
    peakConcurrency: () => state.peak,
    peaks: () => state.peaks,
    inFlight: () => state.inFlight,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

class ServerState {
  readonly requests: FakeRequest[] = []
  peak = 0
  inFlight = 0
  readonly peaks = new Map<string, number>()
  readonly #inGroup = new Map<string, number>()
  readonly #callsByModel = new Map<string, number>()
  readonly #options: FakeModelServerOptions

  constructor(options: FakeModelServerOptions) {
    this.#options = options
  }

  async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.inFlight += 1
    this.peak = Math.max(this.peak, this.inFlight)
    response.on('close', () => {
      this.inFlight -= 1
    })
    const request = this.#record(incoming, await readBody(incoming))
    this.#count(request, response)
    if (!this.#isAllowed(request)) {
      return write(response, {
        status: 401,
        body: { error: { message: 'no such key', code: 'invalid_api_key' } },
      })
    }
    try {
      await this.#answer(request, response)
    } catch (error) {
      write(response, {
        status: 500,
        body: { error: { message: `the test's respond threw: ${String(error)}` } },
      })
    }
  }

  /** A request counts from its last byte until its answer was sent, or its client is gone. */
  #count(request: FakeRequest, response: ServerResponse): void {
    if (response.destroyed || response.closed) return
    const groups = request.callNumber === 0 ? [] : (this.#options.groupsOf?.(request) ?? [])
    for (const group of groups) {
      const now = (this.#inGroup.get(group) ?? 0) + 1
      this.#inGroup.set(group, now)
      this.peaks.set(group, Math.max(this.peaks.get(group) ?? 0, now))
      response.on('close', () => this.#inGroup.set(group, (this.#inGroup.get(group) ?? 1) - 1))
    }
  }

  async #answer(request: FakeRequest, response: ServerResponse): Promise<void> {
    if (request.callNumber === 0) {
      const reply = this.#options.list?.(request) ?? renderModels(request, this.#options.models ?? ['fake-model'])
      return write(response, reply)
    }
    const reply = (await this.#options.respond?.(request)) ?? { text: 'Hello from the fake model' }
    if (reply.latencyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, reply.latencyMs))
    if (reply.hang === true) return
    write(response, reply.status === undefined ? { ...reply, status: 200, body: renderReply(request, reply) } : reply)
  }

  #record(incoming: IncomingMessage, text: string): FakeRequest {
    const body = parseObject(text)
    const path = new URL(incoming.url ?? '/', 'http://fake').pathname
    const isCall = /\/chat\/completions$|\/messages$|:generateContent$/.test(path)
    const model = typeof body?.['model'] === 'string' ? body['model'] : (/models\/([^/:]+):/.exec(path)?.[1] ?? '')
    const callNumber = isCall ? (this.#callsByModel.get(model) ?? 0) + 1 : 0
    if (isCall) this.#callsByModel.set(model, callNumber)
    const request: FakeRequest = {
      protocol: protocolOf(path, incoming.headers),
      method: incoming.method ?? 'GET',
      path,
      headers: incoming.headers,
      body,
      model,
      callNumber,
      prompt: textsIn([body?.['system'], body?.['systemInstruction'], body?.['messages'], body?.['contents']]).join(
        '\n',
      ),
      tools: toolNames(body),
      toolResults: countToolResults(body),
    }
    this.requests.push(request)
    return request
  }

  #isAllowed({ headers }: FakeRequest): boolean {
    const { key } = this.#options
    if (key === undefined) return true
    return (
      headers['authorization'] === `Bearer ${key}` || headers['x-api-key'] === key || headers['x-goog-api-key'] === key
    )
  }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** Every string under a `text`, `content` or `output` key, in order. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (typeof value !== 'object' || value === null) return []
  const wanted = ['system', 'content', 'text', 'parts', 'output', 'functionResponse', 'response', 'result']
  return Object.entries(value).flatMap(([key, inner]) => (wanted.includes(key) ? textsIn(inner) : []))
}

function toolNames(body: Record<string, unknown> | null): string[] {
  const tools = Array.isArray(body?.['tools']) ? (body['tools'] as Record<string, unknown>[]) : []
  return tools.flatMap((tool) => {
    const nested = (tool['function'] ?? tool) as Record<string, unknown>
    const declared = (tool['functionDeclarations'] ?? [nested]) as { name?: string }[]
    return declared.flatMap(({ name }) => (name === undefined ? [] : [name]))
  })
}

function countToolResults(body: Record<string, unknown> | null): number {
  const text = JSON.stringify([body?.['messages'], body?.['contents']])
  return text.match(/"role":"tool"|"type":"tool_result"|"functionResponse":/g)?.length ?? 0
}

function write(response: ServerResponse, reply: FakeReply): void {
  if (reply.cut === 'before-headers') return void response.destroy()
  const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {})
  response.writeHead(reply.status ?? 200, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...reply.headers,
  })
  if (reply.cut !== 'mid-body') return void response.end(text)
  response.write(text.slice(0, Math.ceil(text.length / 2)), () => response.destroy())
}
