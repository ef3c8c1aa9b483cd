import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Enough to tell whether a process still lives, although process ids are reused and machines restart. */
export interface ProcessIdentity {
  /** Host name and, where there is one, the start of the machine id: names alone repeat across machines. */
  readonly host: string
  /** Changes with every boot; '' where the system does not say. */
  readonly bootId: string
  /** Process ids mean something only inside their namespace; '' where the system has none. */
  readonly pidNamespace: string
  readonly pid: number
  /** The kernel's start time of the process in clock ticks since boot; '' where the system does not say. */
  readonly startTime: string
}

/** Who this process is. */
export function ownIdentity(): ProcessIdentity {
  return {
    host: hostIdentity(),
    bootId: readText('/proc/sys/kernel/random/boot_id'),
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTime: processStat(process.pid)?.startTime ?? '',
  }
}

/**
 * Whether the process lives, judged without waiting; null where this machine cannot know, because the process belongs
 * to another boot (which is another machine, or a clone with the same name) or to another pid namespace. Where the
 * system names no boots the host's name must do. Outside Linux a reused process id reads as alive.
 */
export function isAlive(identity: ProcessIdentity): boolean | null {
  const own = ownIdentity()
  if (identity.bootId !== own.bootId || identity.pidNamespace !== own.pidNamespace) return null
  if (own.bootId === '' && identity.host !== own.host) return null
  if (!existsSync('/proc/self/stat')) return respondsToSignal(identity.pid)
  const found = processStat(identity.pid)
  if (found === null || found.state === 'Z' || found.state === 'X') return false
  return identity.startTime === '' || found.startTime === identity.startTime
}

/** What /proc says about one process. */
export interface ProcessStat {
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** The kernel's PF_* bits. */
  readonly flags: number
  readonly startTime: string
}

/** Fields of /proc/<pid>/stat (proc_pid_stat(5)); null when there is no such process, or no /proc. */
export function processStat(pid: number): ProcessStat | null {
  const text = readText(`/proc/${pid}/stat`)
  // The command name stands in parentheses and may itself hold spaces and parentheses.
  const [state, parent, group, session, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const startTime = rest[15]
  if (state === undefined || startTime === undefined) return null
  return {
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    flags: Number(rest[2]),
    startTime,
  }
}

function hostIdentity(): string {
  const machineId = readText('/etc/machine-id')
  return machineId === '' ? hostname() : `${hostname()}#${machineId.slice(0, 8)}`
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

function respondsToSignal(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
