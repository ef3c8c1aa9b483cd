// Long forms of the promises. usage: npm run torture [-- name...] [--full]
import { killResumeOnBothEngines } from './kill-resume-engines.ts'
import { naiveRace, symlinkRace } from './symlink-race.ts'

/** One long test: returns what it saw and whether the promise held. */
type Torture = (full: boolean) => Promise<{ readonly held: boolean; readonly saw: unknown }>

const tortures: Readonly<Record<string, Torture>> = {
  'kill-resume': (full) => killResumeOnBothEngines({ jobs: full ? 300 : 100, kills: full ? 60 : 20 }),
  'symlink-race': async (full) => {
    const confined = await symlinkRace(full ? 60_000 : 10_000)
    // The usual check, in the same race: if it loses nothing, the race proves nothing.
    const naive = await naiveRace(full ? 10_000 : 3_000)
    return { held: confined.escapes === 0 && naive.escapes > 0, saw: { confined, naive } }
  },
}

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const full = process.argv.includes('--full')
for (const name of names.length === 0 ? Object.keys(tortures) : names) {
  const torture = tortures[name]
  if (torture === undefined) throw new Error(`no torture ${name}; there are: ${Object.keys(tortures).join(', ')}`)
  const { held, saw } = await torture(full)
  process.stdout.write(`${name}: ${held ? 'held' : 'BROKEN'} ${JSON.stringify(saw)}\n`)
  if (!held) process.exitCode = 1
}
