import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { measureSpread, type Repetition, type Spread } from './spread.ts'

const page = Buffer.alloc(4096, 1)

/** A page written and flushed again and again, in a file of its own in the directory: the least a commit can take. */
export async function measureFsync(directory: string, repetition: Repetition): Promise<Spread> {
  const path = join(directory, 'fsync')
  const file = await open(path, 'w', 0o600)
  try {
    return await measureSpread(repetition, async () => {
      await file.write(page)
      await file.sync()
    })
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}
