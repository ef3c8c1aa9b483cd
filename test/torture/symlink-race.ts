import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { openWorkspace, type Workspace } from '../../src/workspace/workspace.ts'
import { atLeast, exactly, noted, type Figure, type Size, type TortureLine } from './line.ts'

/** What a race came to. */
interface RaceCounts {
  attempts: number
  written: number
  read: number
  refused: number
  /** Writes that landed outside, and reads that returned what lies there. Must be 0. */
  escapes: number
}

interface RacePlace {
  readonly place: string
  readonly root: string
  readonly outside: string
}

const durationMs: Readonly<Record<Size, number>> = { short: 3000, normal: 10_000, full: 60_000 }

export const symlinkRace: TortureLine = {
  name: 'symlink-race',
  promise: 'no read or write of a workspace leaves it, however fast another process swaps links',
  // Nothing of it meets a database.
  engines: ['SQLite'],
  run: async (_scene, size): Promise<readonly Figure[]> => {
    const confined = await confinedRace(durationMs[size])
    // The usual check, in the same race: if it loses nothing, the race proves nothing.
    const naive = await naiveRace(durationMs[size] / 4)
    return [
      exactly('escapes', confined.escapes, 0),
      atLeast('attempts', confined.attempts, { limit: 50 }),
      atLeast('attempts that were let through', confined.written + confined.read, { limit: 1 }),
      atLeast('attempts that were refused', confined.refused, { limit: 1 }),
      // Whether the usual check loses in a few moments is a matter of luck.
      size === 'short'
        ? noted('escapes of resolve-then-open', naive.escapes)
        : atLeast('escapes of resolve-then-open', naive.escapes, { limit: 1 }),
    ]
  },
}

/**
 * Another process swaps a directory and a file of the workspace for links that lead out, as fast as it can, while this
 * one writes and reads through them.
 */
async function confinedRace(forMs: number): Promise<RaceCounts> {
  return race(forMs, async (place, counts) => {
    const workspace = await openWorkspace(place.root, { createWith: { next: () => 'race' }, limits: { writes: 1e9 } })
    return (lane, round) => oneAttempt(workspace, counts, `${lane}-${round % 20}`)
  })
}

/** The same race against resolve-then-open, the usual check. It escapes, which proves that the race is one. */
async function naiveRace(forMs: number): Promise<RaceCounts> {
  return race(forMs, ({ root }, counts) =>
    Promise.resolve(async (lane, round) => {
      counts.attempts += 1
      try {
        const parent = await realpath(join(root, 'd/e'))
        if (!parent.startsWith(root + sep)) throw new Error('outside')
        await writeFile(join(root, 'd/e', `naive-${lane}-${round % 20}`), 'x')
        counts.written += 1
      } catch {
        counts.refused += 1
      }
    }),
  )
}

type Attempt = (lane: number, round: number) => Promise<void>

const lanes = 4

async function race(
  forMs: number,
  prepare: (place: RacePlace, counts: RaceCounts) => Promise<Attempt>,
): Promise<RaceCounts> {
  const place = makePlace()
  const counts: RaceCounts = { attempts: 0, written: 0, read: 0, refused: 0, escapes: 0 }
  const swapper = spawn(process.execPath, ['-e', swapperScript, place.root, place.outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(swapper.stdout, 'data')
    const attempt = await prepare(place, counts)
    const end = performance.now() + forMs
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        for (let round = 0; performance.now() < end; round += 1) await attempt(lane, round)
      }),
    )
  } finally {
    swapper.kill('SIGKILL')
    await once(swapper, 'exit')
  }
  counts.escapes += strangers(place.outside)
  rmSync(place.place, { recursive: true, force: true })
  return counts
}

async function oneAttempt(workspace: Workspace, counts: RaceCounts, name: string): Promise<void> {
  for (const path of [`d/e/${name}`, 'f']) {
    counts.attempts += 1
    await workspace.write(path, 'inside').then(
      () => (counts.written += 1),
      () => (counts.refused += 1),
    )
  }
  for (const path of ['d/e/secret', 'f']) {
    counts.attempts += 1
    const text = await workspace.read(path).then(
      (found) => found.text,
      () => null,
    )
    if (text === null) counts.refused += 1
    else counts.read += 1
    if (text === 'outside') counts.escapes += 1
  }
}

function makePlace(): RacePlace {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'orch-race-')))
  const [root, outside] = [join(place, 'work'), join(place, 'outside')]
  mkdirSync(join(root, 'd/e'), { recursive: true })
  mkdirSync(join(outside, 'e'), { recursive: true })
  writeFileSync(join(root, 'd/e/secret'), 'inside')
  writeFileSync(join(root, 'f'), 'inside')
  writeFileSync(join(outside, 'e/secret'), 'outside')
  return { place, root, outside }
}

/** Files outside that were not there before, and the canary if it was changed. */
function strangers(outside: string): number {
  const found = [
    ...readdirSync(outside).map((name) => `/${name}`),
    ...readdirSync(join(outside, 'e')).map((name) => `e/${name}`),
  ]
  const changed = readFileSync(join(outside, 'e/secret'), 'utf8') === 'outside' ? 0 : 1
  return found.length - 2 + changed
}

const swapperScript = `
const fs = require('node:fs'), path = require('node:path')
const [root, outside] = process.argv.slice(1)
const d = path.join(root, 'd'), f = path.join(root, 'f')
const quietly = (work) => { try { work() } catch {} }
process.stdout.write('ready')
for (;;) {
  quietly(() => fs.renameSync(d, d + '.real'))
  quietly(() => fs.symlinkSync(outside, d))
  quietly(() => fs.unlinkSync(f))
  quietly(() => fs.symlinkSync(path.join(outside, 'e/secret'), f))
  quietly(() => fs.unlinkSync(d))
  quietly(() => fs.renameSync(d + '.real', d))
  quietly(() => fs.unlinkSync(f))
  quietly(() => fs.writeFileSync(f, 'inside'))
}
`
