/**
 * Who holds a SQLite file, from the system's own list of locks. The file itself is not asked: that would touch it, and
 * a process that closes a file loses every lock it has on it. Where the system has no such list nobody is known.
 */
import { readFile, stat } from 'node:fs/promises'

/** The bytes that SQLite locks, fixed by its file format (sqlite.org/src, os_unix.c and wal.c). */
const lockedBytes = {
  /** In the file: its one writer in rollback mode. */
  reserved: 0x40000001,
  /** In `-shm`: its one writer in WAL mode. */
  walWrite: 120,
  /** In `-shm`: held by everybody who has the database open. */
  deadManSwitch: 128,
} as const

/** One lock of the list: `1: POSIX  ADVISORY  WRITE 4711 fe:00:2212003 120 120`. */
const lockLine = /^\d+: POSIX\s+\S+\s+(READ|WRITE)\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s+(\d+)\s+(\d+|EOF)$/

/** Who is writing to the SQLite file now, for people; null when nobody is, or nobody can tell. */
export async function writerOfFile(path: string): Promise<string | null> {
  const locks = await readLocks()
  const inWal = await holderOf(locks, `${path}-shm`, lockedBytes.walWrite)
  const pid = inWal ?? (await holderOf(locks, path, lockedBytes.reserved))
  return pid === null ? null : nameOf(pid)
}

/** Whether a living process is known to have the WAL database open. */
export async function isHeldOpen(path: string): Promise<boolean> {
  return (await holderOf(await readLocks(), `${path}-shm`, lockedBytes.deadManSwitch)) !== null
}

interface FileLock {
  readonly pid: string
  readonly inode: string
  readonly first: number
  readonly last: number
}

async function readLocks(): Promise<readonly FileLock[]> {
  const text = await readFile('/proc/locks', 'latin1').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [, , pid = '0', inode = '', first = '0', last = '0'] = lockLine.exec(line) ?? []
    // Process 0 is one that this process namespace does not know.
    return pid === '0' ? [] : [{ pid, inode, first: Number(first), last: last === 'EOF' ? Infinity : Number(last) }]
  })
}

async function holderOf(locks: readonly FileLock[], path: string, byte: number): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null)
  if (found === null) return null
  const inode = String(found.ino)
  return locks.find((lock) => lock.inode === inode && lock.first <= byte && byte <= lock.last)?.pid ?? null
}

async function nameOf(pid: string): Promise<string> {
  const program = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
  return program === '' ? `process ${pid}` : `process ${pid} (${program})`
}
