/** Locks that keep jobs off each other's files and resources. */
export interface JobLock {
  /** `name:<resource>` or `path:<absolute path>`. */
  readonly name: string
  readonly mode: 'exclusive' | 'intent'
}

export interface HeldLock extends JobLock {
  readonly jobId: string
}

/** Named resources are exclusive. A path is exclusive itself, with an intent on every ancestor up to the root. */
export function jobLocks(names: readonly string[], absolutePaths: readonly string[]): readonly JobLock[] {
  const modes = new Map<string, JobLock['mode']>()
  for (const name of names) modes.set(`name:${name}`, 'exclusive')
  for (const path of absolutePaths) {
    for (const ancestor of ancestorsOf(path)) {
      if (!modes.has(`path:${ancestor}`)) modes.set(`path:${ancestor}`, 'intent')
    }
    modes.set(`path:${path}`, 'exclusive')
  }
  return [...modes].map(([name, mode]) => ({ name, mode }))
}

function ancestorsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map((_part, index) => `/${parts.slice(0, index).join('/')}`)
}

/** Which held lock refuses the wanted ones: on one name only intents go together. */
export function conflictingLock(
  wanted: readonly JobLock[],
  held: ReadonlyMap<string, readonly HeldLock[]>,
): HeldLock | null {
  for (const lock of wanted) {
    const conflict = held.get(lock.name)?.find((other) => lock.mode === 'exclusive' || other.mode === 'exclusive')
    if (conflict !== undefined) return conflict
  }
  return null
}

/** Groups held locks by name, for `conflictingLock`. */
export function locksByName(held: readonly HeldLock[]): Map<string, HeldLock[]> {
  const byName = new Map<string, HeldLock[]>()
  for (const lock of held) {
    const others = byName.get(lock.name)
    if (others === undefined) byName.set(lock.name, [lock])
    else others.push(lock)
  }
  return byName
}
