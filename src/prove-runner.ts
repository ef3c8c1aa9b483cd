/**
 * A process that works in the scratch area of `orch doctor --prove` until it is killed: the real scheduler, executor,
 * journal, spool and ledger; only the model is simulated. Takes what to do as one line of JSON on stdin, says when it
 * has bought something, and ends when stdin does, so that it never outlives whoever started it.
 */
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { jobsDeps } from './cli/commands/jobs/jobs-context.ts'
import { createContext, type Context } from './context.ts'
import { errorMessage } from './errors/orch-error.ts'
import type { Streams } from './runtime/streams.ts'
import type { ProofRunnerInput } from './scheduling/prove/proof-runner.ts'
import { simulatedPurchases } from './scheduling/prove/simulated-purchases.ts'
import { processJudge, realWork, type RunWork } from './scheduling/run-jobs.ts'
import { SchedulerRun } from './scheduling/scheduler-run.ts'

/** Runs until killed, until stdin ends, or until nothing is left to do where the input says so. */
export async function runProofRunner(streams: Streams): Promise<void> {
  const lines = createInterface({ input: streams.stdin })
  const die = () => void process.kill(process.pid, 'SIGKILL')
  lines.once('close', die)
  try {
    const line = await new Promise<string>((resolve) => lines.once('line', resolve))
    await work(JSON.parse(line) as ProofRunnerInput, streams)
  } catch (error) {
    process.exitCode = 1
    streams.stderr.write(`${errorMessage(error)}\n`)
  } finally {
    lines.off('close', die)
    streams.stdin.destroy()
  }
}

async function work(input: ProofRunnerInput, streams: Streams): Promise<void> {
  const globals = { db: input.url, json: false, quiet: true, verbose: false, color: false, yes: false }
  const signals = { listen: () => () => {} }
  const { env } = process
  const context = createContext({ globals, env, cwd: process.cwd(), streams, signals, warn: () => {} })
  try {
    // A scratch area of the parent's; the trust lies in its own configuration directory and goes with it.
    context.trust.trust((await context.database()).address)
    const { clock, random, ids, version } = context
    const work = await paidWork(context, input, bookkeeper(input, streams))
    const { concurrency, leaseMs, untilIdle } = input
    const options = { concurrency, projectSlug: null, leaseMs, databaseTrusted: true, version }
    await new SchedulerRun(
      { ...processJudge(), ...work, clock, random, ids, notify: () => {} },
      { ...options, untilIdle, maxWaitMs: 60_000, graceMs: null },
    ).run()
  } finally {
    await context.close()
  }
}

/** Real work but for the model. */
async function paidWork(
  context: Context,
  input: ProofRunnerInput,
  onPurchase: (job: string) => void,
): Promise<RunWork> {
  const execution = await context.executionDeps()
  const { clock, random } = context
  const purchases = simulatedPurchases({ clock, random, latencyMs: input.latencyMs, onPurchase })
  const calls = { ...execution.calls, ...purchases }
  return realWork(await jobsDeps(context), { ...execution, calls }, await context.heartbeat())
}

/** Writes each purchase down, and says that there was a first one: from then on a kill has something to interrupt. */
function bookkeeper({ ledgerFile }: ProofRunnerInput, { stdout }: Streams): (job: string) => void {
  let told = false
  return (job) => {
    appendFileSync(ledgerFile, `${job}\n`)
    if (!told) stdout.write('working\n')
    told = true
  }
}
