import { readFileSync, readdirSync } from 'node:fs'
import { processStat, type ProcessStat } from './process-identity.ts'

/** The variable that marks every process of an attempt: the token of the attempt. */
export const attemptVariable = 'ORCH_ATTEMPT'
/** The variable that marks the processes of one command. */
export const commandVariable = 'ORCH_COMMAND'

/** What ties a process to the tree that shall end. */
export interface TreeMark {
  readonly variable: typeof attemptVariable | typeof commandVariable
  /** One value of the variable, or which of them. */
  readonly value: string | ((value: string) => boolean)
  /** The process group of the command's first process, where it is known. */
  readonly group?: number
}

/** Rounds of looking and killing before giving up; a round takes a few milliseconds. */
const mostRounds = 400
const quietRounds = 2
/** Rounds that only wait for a clear view, because a process came, went or changed while it was looked at. */
const mostUnsureRounds = { ordinary: 10, fleeing: 200 } as const
const unsurePauseMs = 2
/** A process that is replacing its program was just forked, or it was seen before. */
const youngTicks = 1000
/** include/linux/sched.h */
const kernelThreadFlag = 0x00200000
const exitingFlag = 0x00000004

/**
 * Kills everything an attempt left behind, also what ran away with setsid and a double fork: on Linux processes are
 * known by their environment and by their parents. Resolves with how many processes were killed; never throws.
 * Elsewhere nothing can be found by environment, and 0 is returned.
 * Limit: a process that empties its own environment and outlives its parent is not found.
 */
export async function killAttempt(token: string): Promise<number> {
  return killTree({ variable: attemptVariable, value: token })
}

/** The same for every attempt whose token the predicate accepts. */
export async function killAttempts(accepts: (token: string) => boolean): Promise<number> {
  return killTree({ variable: attemptVariable, value: accepts })
}

/**
 * Kills a marked tree. Everything found is stopped first and killed only when a look finds nothing new, so that a
 * process cannot outrun the sweep by forking; then it looks until nothing is left. A chain of processes that live for
 * a moment each can slip through a look: where processes come and go meanwhile, a look that found nothing is repeated,
 * and more often once something was seen that had left its group.
 */
export async function killTree(mark: TreeMark): Promise<number> {
  const killed = new Set<number>()
  let fleeing = false
  signalGroup(mark.group, 'SIGKILL')
  for (let round = 0, quiet = 0, unsure = 0; round < mostRounds && quiet < quietRounds; round += 1) {
    const found = freeze(mark)
    fleeing ||= found.fled
    for (const pid of found.stopped) {
      killed.add(pid)
      signal(pid, 'SIGKILL')
    }
    const most = mostUnsureRounds[fleeing ? 'fleeing' : 'ordinary']
    const waits = found.stopped.size === 0 && found.unsure && unsure < most
    if (waits) unsure += 1
    quiet = found.stopped.size === 0 && !waits ? quiet + 1 : 0
    // Lets the kernel take the killed ones away, and this process do its other work.
    await (waits ? pause(unsurePauseMs) : new Promise((resolve) => setImmediate(resolve)))
  }
  return killed.size
}

/** Real time, and a timer that keeps the process alive until the sweep is over: the wait is for the kernel. */
function pause(delayMs: number): Promise<void> {
  // oxlint-disable-next-line no-restricted-globals -- a Clock that is told by a test would never let the kernel work
  return new Promise((resolve) => void setTimeout(resolve, delayMs))
}

interface Found {
  readonly stopped: ReadonlySet<number>
  /** Some of them had left the group of the command. */
  readonly fled: boolean
  /** The last look was not clear. */
  readonly unsure: boolean
}

/** Stops every process of the tree until a whole look finds no new one. */
function freeze(mark: TreeMark): Found {
  const stopped = new Set<number>()
  let fled = false
  const stop = (pid: number, group: number): void => {
    if (stopped.has(pid)) return
    stopped.add(pid)
    fled ||= group !== mark.group
    signal(pid, 'SIGSTOP')
  }
  for (let look = 1; ; look += 1) {
    const before = stopped.size
    const { unsure } = stopTree(mark, stop)
    if (stopped.size === before || look === mostRounds) return { stopped, fled, unsure }
  }
}

/** Listings of one look: each shows what was forked during the one before. */
const mostListings = 50

/**
 * Stops marked processes, members of the group, and all their descendants, each as soon as it is seen. Never this
 * process. The newest come first: they are what runs away.
 */
function stopTree(mark: TreeMark, stop: (pid: number, group: number) => void): { readonly unsure: boolean } {
  const children = new Map<number, { readonly pid: number; readonly group: number }[]>()
  const tree = new Set<number>()
  const seen = new Set([process.pid])
  const carries = markedBy(mark)
  const youngest = ticksSinceBoot() - youngTicks
  let unsure = false
  for (let listing = 1; listing <= mostListings; listing += 1) {
    const fresh = processIds().filter((pid) => !seen.has(pid))
    if (fresh.length === 0) break
    for (const pid of fresh.toReversed()) {
      seen.add(pid)
      const stat = processStat(pid)
      // It ended between the listing and this line, and may have left a child that is in no listing yet.
      unsure ||= stat === null
      if (stat === null || stat.state === 'Z' || stat.state === 'X') continue
      const { parent, group, session } = stat
      children.set(parent, [...(children.get(parent) ?? []), { pid, group }])
      const environment = environmentOf(pid)
      if (group === mark.group || session === mark.group || carries(environment)) {
        tree.add(pid)
        stop(pid, group)
      } else unsure ||= environment === noEnvironment && isReplacingProgram(stat, youngest)
    }
  }
  // A set keeps its order and may grow while it is walked: this reaches descendants of descendants.
  for (const pid of tree) {
    for (const child of children.get(pid) ?? []) {
      tree.add(child.pid)
      stop(child.pid, child.group)
    }
  }
  return { unsure }
}

/** Neither a thread of the kernel nor one that is ending, and young enough to have just been forked. */
function isReplacingProgram({ flags, startTime }: ProcessStat, youngest: number): boolean {
  return (flags & (kernelThreadFlag | exitingFlag)) === 0 && Number(startTime) >= youngest
}

/** Now, as /proc counts start times: hundredths of a second (proc_pid_stat(5), sysconf(_SC_CLK_TCK) is 100). */
function ticksSinceBoot(): number {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 100
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function markedBy({ variable, value }: TreeMark): (environment: string) => boolean {
  const start = `\0${variable}=`
  if (typeof value === 'string') return (environment) => environment.includes(`${start}${value}\0`)
  return (environment) => {
    const at = environment.indexOf(start)
    if (at === -1) return false
    const from = at + start.length
    return value(environment.slice(from, environment.indexOf('\0', from)))
  }
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

/** What a process shows that has none, or none at this moment. */
const noEnvironment = '\0\0'

/** The environment as the kernel shows it, framed by NUL; '' where it may not be read. */
function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`
  } catch {
    return ''
  }
}

function signalGroup(group: number | undefined, name: NodeJS.Signals): void {
  if (group !== undefined) signal(-group, name)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already, or not ours: both mean there is nothing to do.
  }
}
