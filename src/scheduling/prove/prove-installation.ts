/**
 * `orch doctor --prove`: orch itself, on the user's own disk and database, in a scratch area, killed again and again.
 * The database says what was done and how often; a file that the simulated model writes says what was bought.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Capabilities } from '../../database/capabilities.ts'
import { readProvedJobs, type ProvedJob } from '../../database/queries/proof.ts'
import { appendEvents } from '../../database/repositories/event-repository.ts'
import { setHold } from '../../database/repositories/job-repository.ts'
import { storePlan } from '../../planning/store-plan.ts'
import type { Ids } from '../../runtime/ids.ts'
import { openWorkspace } from '../../workspace/workspace.ts'
import { openScratchArea, removeLeftovers, type ScratchArea, type ScratchDeps } from '../scratch-area.ts'
import { scratchName } from '../scratch-name.ts'
import { failedRunner, killInTurn } from './kill-rounds.ts'
import { measureClaims } from './measure-claims.ts'
import { measureFsync } from '../measure/measure-fsync.ts'
import { measureSpread, type Repetition, type Spread } from '../measure/spread.ts'
import { proofPlan } from './proof-plan.ts'
import { startProofRunner, type ProofRunner, type ProofRunnerInput } from './proof-runner.ts'
import { PurchaseWitness } from './purchase-witness.ts'

export interface ProveDeps extends ScratchDeps {
  readonly ids: Ids
  readonly env: NodeJS.ProcessEnv
  /** Where results are spooled; the proof's own files lie beside it. */
  readonly stateDir: string
  /** Starts a runner: see `bin/prove-runner.js`. */
  readonly runnerScript: string
}

export interface ProveOptions {
  readonly databaseUrl: string
  readonly jobs: number
  readonly kills: number
  readonly signal: AbortSignal
  readonly onProgress: (message: string) => void
}

export interface Proof {
  readonly engine: string
  readonly jobs: number
  readonly kills: number
  /** Jobs that are not completed although everything was given the time. */
  readonly lost: number
  readonly completedTwice: number
  /** Calls whose answer was committed, and that were bought again all the same. */
  readonly paidTwice: number
  /** Calls in flight when their runner was killed: nobody can know their fate, so they are asked once more. */
  readonly askedAgain: number
  /** Of those jobs, more calls than interruptions: must be none. */
  readonly unexplained: number
  /** Jobs that three interruptions in a row put aside, and that the proof let go on. */
  readonly quarantined: number
  /** A page written and flushed, where the database is a file on its disk, else where results are spooled. */
  readonly fsyncMs: Spread
  /** One row in one transaction. */
  readonly commitMs: Spread
  readonly claimsPerSecond: number
  readonly durationMs: number
  /** Scratch areas of proofs that were killed; removed. */
  readonly leftovers: readonly string[]
  readonly held: boolean
}

const concurrency = 4
const latencyMs = 40
/** Shorter than usual, so that nothing waits long even where a process cannot be judged. */
const leaseMs = 5000
/** Runners are started and killed for so long; on a slow machine there are fewer kills. */
const killingMs = 20_000
const longestMeasureMs = 2000
const diskSamples = 200
const claimedJobs = 1000
const longestEndMs = 60_000

/** Null where it was stopped. Whatever happens, the scratch area is removed; what a kill leaves, the next proof removes. */
export async function proveInstallation(deps: ProveDeps, options: ProveOptions): Promise<Proof | null> {
  const { clock, random, stateDir } = deps
  const place = { url: options.databaseUrl, purpose: 'prove' } as const
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const files = await removeLeftovers({ ...place, url: join(stateDir, 'orch.db') }, deps)
  const { removed } = await removeLeftovers(place, deps)
  const directory = join(stateDir, scratchName('prove', clock.now(), random.next()))
  const area = await openScratchArea(place, deps)
  try {
    await mkdir(directory, { mode: 0o700 })
    const proof = await new ProofRun({ deps, options, area, directory }).run([...files.removed, ...removed])
    return options.signal.aborted ? null : proof
  } catch (error) {
    if (options.signal.aborted) return null
    throw error
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    await area.end()
  }
}

interface ProofParts {
  readonly deps: ProveDeps
  readonly options: ProveOptions
  readonly area: ScratchArea
  readonly directory: string
}

const slug = 'proof'

class ProofRun {
  readonly #parts: ProofParts
  readonly #tables: Capabilities
  readonly #witness: PurchaseWitness
  readonly #alive = new Set<ProofRunner>()
  #projectId = ''

  constructor(parts: ProofParts) {
    this.#parts = parts
    this.#tables = new Capabilities(parts.area.database, parts.deps.migrations, { clock: parts.deps.clock })
    this.#witness = new PurchaseWitness(join(parts.directory, 'purchases'))
  }

  async run(leftovers: readonly string[]): Promise<Proof> {
    const { deps, options, area, directory } = this.#parts
    const { clock, random } = deps
    const { signal, onProgress } = options
    const begin = clock.monotonic()
    await this.#store()
    try {
      const kills = await killInTurn({
        clock,
        random,
        signal,
        kills: options.kills,
        untilMs: begin + killingMs,
        start: () => this.#start(false),
        onKill: async (count) => {
          onProgress(`${count} of ${options.kills} kills`)
          await this.#look()
        },
      })
      onProgress('letting it finish')
      const quarantined = await this.#finish()
      onProgress('measuring the disk and the claims')
      const jobs = await this.#look()
      const fsyncMs = await measureFsync(area.schema === null ? area.name : directory, this.#repetition())
      const commitMs = await this.#measureCommit()
      const claimsPerSecond = Math.round(await this.#measureClaims())
      const counts = judge(jobs, this.#witness)
      const held = counts.lost + counts.completedTwice + counts.paidTwice + counts.unexplained === 0
      const durationMs = Math.round(clock.monotonic() - begin)
      const engine = area.database.dialect.label
      return {
        engine,
        jobs: jobs.length,
        kills,
        ...counts,
        quarantined,
        fsyncMs,
        commitMs,
        claimsPerSecond,
        durationMs,
        leftovers,
        held,
      }
    } finally {
      await this.#end()
    }
  }

  async #store(): Promise<void> {
    const { deps, options, area, directory } = this.#parts
    const workspace = join(directory, 'work')
    await mkdir(workspace)
    await openWorkspace(workspace, { createWith: deps.ids })
    const stored = await storePlan(
      { database: area.database, tables: this.#tables, ids: deps.ids },
      proofPlan(slug, options.jobs),
      { workspace, approvedBy: 'orch doctor', onTakenSlug: 'refuse' },
    )
    this.#projectId = stored.project.id
  }

  #start(untilIdle: boolean): ProofRunner {
    const { deps, area, directory } = this.#parts
    const env = {
      ...deps.env,
      ORCH_STATE_DIR: join(directory, 'state'),
      ORCH_CONFIG_DIR: join(directory, 'config'),
      ORCH_DETECT: 'off',
      ...(area.schema === null ? {} : { ORCH_DB_SCHEMA: area.schema }),
    }
    const input: ProofRunnerInput = {
      url: area.url,
      concurrency,
      leaseMs,
      latencyMs,
      ledgerFile: this.#witness.path,
      untilIdle,
    }
    const runner = startProofRunner({ script: deps.runnerScript, cwd: join(directory, 'work'), env }, input)
    this.#alive.add(runner)
    void runner.ended.catch(() => {}).then(() => this.#alive.delete(runner))
    return runner
  }

  /** Lets one more runner work until everything is done; what is quarantined is let go as an operator would. */
  async #finish(): Promise<number> {
    const { deps, options } = this.#parts
    const until = deps.clock.monotonic() + longestEndMs
    let quarantined = 0
    for (;;) {
      const runner = this.#start(true)
      const over = new AbortController()
      const either = AbortSignal.any([options.signal, over.signal])
      const left = Math.max(0, until - deps.clock.monotonic())
      await Promise.race([runner.ended, deps.clock.sleep(left, either)])
      over.abort()
      runner.kill()
      const end = await runner.ended
      if (end.exitCode !== null && end.exitCode !== 0) throw failedRunner(end.stderr)
      const released = await this.#releaseQuarantined()
      quarantined += released
      if (released === 0 || options.signal.aborted || deps.clock.monotonic() >= until) return quarantined
    }
  }

  async #releaseQuarantined(): Promise<number> {
    const { area, deps } = this.#parts
    const jobs = await readProvedJobs(area.database.db, this.#projectId)
    const held = jobs.filter((job) => job.hold !== null)
    const at = deps.clock.now()
    await area.database.write(async (trx) => {
      for (const job of held) await setHold(trx, job.id, { hold: null, reason: null, at })
    })
    return held.length
  }

  /** What is committed now must never be bought from here on. */
  async #look(): Promise<readonly ProvedJob[]> {
    const jobs = await readProvedJobs(this.#parts.area.database.db, this.#projectId)
    await this.#witness.look(jobs.filter((job) => job.committedCalls > 0).map((job) => job.key))
    return jobs
  }

  async #measureCommit(): Promise<Spread> {
    const { area, deps } = this.#parts
    const event = { projectId: this.#projectId, jobId: null, attempt: null, kind: 'measured', data: {} }
    return measureSpread(this.#repetition(), () =>
      area.database.write((trx) => appendEvents(trx, [event], { ids: deps.ids, at: deps.clock.now() })),
    )
  }

  #measureClaims(): Promise<number> {
    const { deps, options, area } = this.#parts
    const jobs = Math.min(claimedJobs, options.jobs * 10)
    const { toolVersion: version } = deps
    return measureClaims({
      ...deps,
      database: area.database,
      tables: this.#tables,
      version,
      signal: options.signal,
      jobs,
    })
  }

  /** A proof with few jobs is to be a quick one. */
  #repetition(): Repetition {
    const { deps, options } = this.#parts
    const times = Math.min(diskSamples, options.jobs)
    return { clock: deps.clock, signal: options.signal, times, longestMs: longestMeasureMs }
  }

  async #end(): Promise<void> {
    const ends = [...this.#alive].map((runner) => {
      runner.kill()
      return runner.ended.catch(() => undefined)
    })
    await Promise.all(ends)
  }
}

function judge(jobs: readonly ProvedJob[], witness: PurchaseWitness) {
  const again = jobs.map((job) => ({ job, times: Math.max(0, witness.purchasesOf(job.key) - 1) }))
  return {
    lost: jobs.filter((job) => job.state !== 'completed').length,
    completedTwice: jobs.filter((job) => job.completions > 1).length,
    paidTwice: witness.boughtAgain.length,
    askedAgain: again.reduce((sum, { times }) => sum + times, 0),
    unexplained: again.filter(({ job, times }) => times > job.interruptions).length,
  }
}
