/** The real program's work on the rehearsal provider: executor, journal, spool and calls, without a model. */
import { join } from 'node:path'
import { parseRunOptions } from '../../src/cli/commands/jobs/run-options.ts'
import { prepareWork } from '../../src/cli/commands/jobs/run-work.ts'
import { createContext, type Context } from '../../src/context.ts'
import { rehearsalAddress } from '../../src/providers/rehearsal-settings.ts'
import { processJudge } from '../../src/scheduling/run-jobs.ts'
import { SchedulerRun } from '../../src/scheduling/scheduler-run.ts'
import type { SchedulerEvent } from '../../src/scheduling/scheduler-types.ts'

/** What pins a job to the simulated model. */
export const rehearsalModel = 'rehearsal/simulated'

export interface RehearsalPlace {
  readonly url: string
  readonly schema?: string | undefined
  /** A workspace; configuration and state are kept in it too. */
  readonly cwd: string
}

/** A context that says nothing and detects nothing. The caller closes it. */
export function rehearsalContext({ url, schema, cwd }: RehearsalPlace): Context {
  const output = { write: () => true }
  return createContext({
    globals: { db: url, json: false, quiet: true, verbose: false, color: false, yes: true },
    env: {
      HOME: cwd,
      ORCH_CONFIG_DIR: join(cwd, 'config'),
      ORCH_STATE_DIR: join(cwd, 'state'),
      ORCH_DETECT: 'off',
      ...(schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }),
    },
    cwd,
    streams: { stdin: process.stdin, stdout: output, stderr: output },
    signals: { listen: () => () => {} },
    warn: (message) => void process.stderr.write(`warning: ${message}\n`),
  })
}

/** Migrates, trusts the database and stores the provider, whose every call takes `latencyMs`. */
export async function prepareRehearsal(context: Context, latencyMs: number) {
  const { database } = await context.migrate()
  context.trust.trust(database.address)
  const at = Date.now()
  await database.db
    .insertInto('provider_config')
    .values({
      id: 'rehearsal',
      label: 'bench',
      kind: 'rehearsal',
      base_url: rehearsalAddress({ latencyMs }),
      enabled: 1,
      created_at: at,
      updated_at: at,
    })
    .execute()
  return database
}

/** Runs everything until nothing is left. */
export async function runRehearsal(
  context: Context,
  concurrency: number,
  notify: (event: SchedulerEvent) => void,
): Promise<void> {
  const work = await prepareWork(context, { ...parseRunOptions({ untilIdle: true }), allowRehearsal: true })
  const { clock, random, ids } = context
  const scheduler = new SchedulerRun(
    { ...processJudge(), ...work, clock, random, ids, notify },
    {
      concurrency,
      projectSlug: null,
      leaseMs: 20_000,
      databaseTrusted: true,
      version: context.version,
      untilIdle: true,
      maxWaitMs: 60_000,
      graceMs: null,
    },
  )
  await scheduler.run()
}
