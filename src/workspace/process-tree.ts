import { readFileSync, readdirSync } from 'node:fs'
import { processStat } from './process-identity.ts'

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
 * process cannot outrun the sweep by forking; then it looks until nothing is left.
 */
export async function killTree(mark: TreeMark): Promise<number> {
  const killed = new Set<number>()
  signalGroup(mark.group, 'SIGKILL')
  for (let round = 0, quiet = 0; round < mostRounds && quiet < quietRounds; round += 1) {
    const found = freeze(mark)
    for (const pid of found) {
      killed.add(pid)
      signal(pid, 'SIGKILL')
    }
    quiet = found.size === 0 ? quiet + 1 : 0
    // Lets the kernel take the killed ones away, and this process do its other work.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return killed.size
}

/** Stops every process of the tree until a whole look finds no new one. */
function freeze(mark: TreeMark): ReadonlySet<number> {
  const stopped = new Set<number>()
  for (let look = 0; look < mostRounds; look += 1) {
    const fresh = [...findTree(mark)].filter((pid) => !stopped.has(pid))
    if (fresh.length === 0) break
    for (const pid of fresh) {
      stopped.add(pid)
      signal(pid, 'SIGSTOP')
    }
  }
  return stopped
}

/** Marked processes, members of the group, and all their descendants. Never this process. */
function findTree(mark: TreeMark): ReadonlySet<number> {
  const children = new Map<number, number[]>()
  const tree = new Set<number>()
  const carries = markedBy(mark)
  for (const pid of processIds()) {
    const stat = processStat(pid)
    if (stat === null || stat.state === 'Z' || stat.state === 'X' || pid === process.pid) continue
    children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid])
    if (stat.group === mark.group || stat.session === mark.group || carries(environmentOf(pid))) tree.add(pid)
  }
  // A set keeps its order and may grow while it is walked: this reaches descendants of descendants.
  for (const pid of tree) for (const child of children.get(pid) ?? []) tree.add(child)
  return tree
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
