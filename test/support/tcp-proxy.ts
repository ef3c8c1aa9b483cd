/** A proxy in front of a real server that can misbehave as networks and poolers do. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface TcpProxy {
  /** The server's address with the proxy's host and port in it. */
  readonly url: string
  /** Connections that are open now. */
  open(): number
  /** Connections that were ever made. */
  accepted(): number
  /** Keeps every connection open, accepts new ones, and forwards nothing until `resume`. */
  stall(): void
  resume(): void
  /** Resets every connection; new ones are served. */
  cut(): void
  close(): Promise<void>
}

export interface TcpProxyOptions {
  /** Takes Postgres's notifications out of the answers, as a pooler in transaction mode does. */
  readonly swallowNotifications?: boolean
}

/** Starts on a free port. Close it at the end of the test. */
export async function startTcpProxy(target: string, options: TcpProxyOptions = {}): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let stalled = false
  let accepted = 0
  const server = createServer((inbound) => {
    const pair = new Pair(inbound, new URL(target), options)
    accepted += 1
    if (stalled) pair.stall()
    pairs.add(pair)
    inbound.on('close', () => pairs.delete(pair))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.toString(),
    open: () => pairs.size,
    accepted: () => accepted,
    stall: () => {
      stalled = true
      for (const pair of pairs) pair.stall()
    },
    resume: () => {
      stalled = false
      for (const pair of pairs) pair.resume()
    },
    cut: () => {
      for (const pair of pairs) pair.reset()
    },
    close: async () => {
      for (const pair of pairs) pair.reset()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

class Pair {
  readonly #inbound: Socket
  readonly #outbound: Socket

  constructor(inbound: Socket, target: URL, { swallowNotifications = false }: TcpProxyOptions) {
    this.#inbound = inbound
    this.#outbound = connect(Number(target.port), target.hostname)
    const filter = swallowNotifications ? new NotificationFilter() : null
    inbound.on('data', (chunk) => this.#outbound.write(chunk))
    this.#outbound.on('data', (chunk) => inbound.write(filter === null ? chunk : filter.pass(chunk)))
    for (const [one, other] of [
      [inbound, this.#outbound],
      [this.#outbound, inbound],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  }

  stall(): void {
    this.#inbound.pause()
    this.#outbound.pause()
  }

  resume(): void {
    this.#inbound.resume()
    this.#outbound.resume()
  }

  reset(): void {
    this.#inbound.resetAndDestroy()
    this.#outbound.destroy()
  }
}

/** Postgres's messages are a type byte and a length that counts itself; 'A' is a notification. */
class NotificationFilter {
  #rest = Buffer.alloc(0)

  pass(chunk: Buffer): Buffer {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const kept: Buffer[] = []
    while (this.#rest.length >= 5) {
      const length = 1 + this.#rest.readInt32BE(1)
      if (this.#rest.length < length) break
      if (this.#rest[0] !== 0x41) kept.push(this.#rest.subarray(0, length))
      this.#rest = this.#rest.subarray(length)
    }
    return Buffer.concat(kept)
  }
}
