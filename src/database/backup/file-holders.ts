import { readdir, readlink } from 'node:fs/promises'

/** Processes that have the file open, as far as the system tells this user: the others are not seen. */
export async function holdersOf(path: string): Promise<readonly number[]> {
  const found: number[] = []
  const names = await readdir('/proc').catch(() => [])
  for (const pid of names.map(Number).filter(Number.isInteger)) {
    if (pid !== process.pid && (await opens(pid, path))) found.push(pid)
  }
  return found
}

async function opens(pid: number, path: string): Promise<boolean> {
  const directory = `/proc/${pid}/fd`
  for (const descriptor of await readdir(directory).catch(() => [])) {
    if ((await readlink(`${directory}/${descriptor}`).catch(() => '')) === path) return true
  }
  return false
}
