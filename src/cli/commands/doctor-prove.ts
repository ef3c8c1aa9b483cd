/** `orch doctor --prove`: its wiring and its words. */
import type { ExitName } from '../../errors/exit-code.ts'
import type { Spread } from '../../scheduling/measure/spread.ts'
import type { Proof } from '../../scheduling/prove/prove-installation.ts'
import type { Invocation } from '../command.ts'
import { plainLine } from '../render/plain.ts'

const jobs = 300
const kills = 10

/** Exit 1 where a promise broke. */
export async function proveAndReport({ context, io, signal }: Invocation): Promise<ExitName> {
  const [{ proveInstallation }, { migrations }] = await Promise.all([
    import('../../scheduling/prove/prove-installation.ts'),
    import('../../../migrations/index.ts'),
  ])
  const { url } = await context.databaseAddress()
  const { clock, random, ids, env, version, paths, proofRunnerScript } = context
  io.progress(
    `Proving it beside ${plainLine(withoutPassword(url))}: ${jobs} jobs, ${kills} kills, nothing real is touched`,
  )
  const proof = await proveInstallation(
    {
      clock,
      random,
      ids,
      env,
      migrations,
      toolVersion: version,
      stateDir: paths.stateDir,
      runnerScript: proofRunnerScript,
    },
    { databaseUrl: url, jobs, kills, signal, onProgress: (message) => io.progress(message) },
  )
  if (proof === null) return 'signal'
  io.result('doctor.prove', proof, () => report(proof))
  return proof.held ? 'done' : 'bug'
}

function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/[^:@/]*):[^@]*@/, '$1@')
}

function report(proof: Proof): string {
  const few = proof.kills < kills ? ` (this machine was too slow for ${kills} in the time)` : ''
  const rows: readonly (readonly [string, string])[] = [
    ['engine', proof.engine],
    ['jobs', String(proof.jobs)],
    ['kills', `${proof.kills}${few}`],
    ['lost', String(proof.lost)],
    ['completed twice', String(proof.completedTwice)],
    ['paid twice', String(proof.paidTwice)],
    ['asked again', `${proof.askedAgain} (calls in flight at a kill; the ledger shows both)`],
    ...(proof.unexplained === 0
      ? []
      : [['unexplained', `${proof.unexplained} jobs with more calls than kills`] as const]),
    ['fsync', spread(proof.fsyncMs)],
    ['commit', spread(proof.commitMs)],
    ['claims', `${proof.claimsPerSecond} per second`],
  ]
  const lines = rows.map(([name, value]) => `${name.padEnd(16)}${value}`)
  const verdict = proof.held
    ? 'Nothing was lost, nothing was done twice, nothing was paid twice.'
    : 'A PROMISE BROKE. Please report these figures, this machine and its file system.'
  const removed = proof.leftovers.map((name) => `Removed what a killed proof had left: ${plainLine(name)}`)
  return [...lines, '', ...removed, verdict].join('\n')
}

function spread({ p50, p99 }: Spread): string {
  return `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`
}
