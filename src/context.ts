/** The composition root: lazy getters, the only file that builds system versions of things. */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }
import type { GlobalOptions } from './cli/command.ts'
import { findDatabaseAddress, type DatabaseAddress } from './config/database-address.ts'
import { findPaths, type Paths } from './config/paths.ts'
import type { SettingKey } from './config/setting.ts'
import { Settings } from './config/settings.ts'
import { readSettingsFile } from './config/settings-file.ts'
import { openTrustStore, type TrustStore } from './config/trust.ts'
import type { CallDeps } from './calls/call-deps.ts'
import type { SharedSettings } from './calls/shared-settings.ts'
import type { Backup, BackupPlace } from './database/backup/back-up.ts'
import type { Capabilities, CapabilityOptions } from './database/capabilities.ts'
import type { Database, OpenOptions } from './database/connection.ts'
import { microUsdFromUsd } from './domain/money.ts'
import type { ExecutionDeps, ExecutionLimits } from './execution/execution-deps.ts'
import type { MigrateOptions, MigrationReport } from './database/migration/migrate.ts'
import type { Choice } from './models/model.ts'
import type { ModelWish } from './models/model-chooser.ts'
import type { ModelRegistry } from './models/model-registry.ts'
import type { ModelStore } from './models/model-store.ts'
import type { OrgChart } from './models/org-chart.ts'
import type { SelectionPolicy } from './models/ranking.ts'
import type { ProviderHealth } from './providers/health.ts'
import type { ProviderManager } from './providers/provider-manager.ts'
import { systemClock, type Clock } from './runtime/clock.ts'
import { crashPointsFrom, crashPointVariable, type CrashPoints } from './runtime/crash-point.ts'
import { systemIds, type Ids } from './runtime/ids.ts'
import { lazy } from './runtime/lazy.ts'
import { lineLogger, silentLogger, type Logger } from './runtime/logger.ts'
import { systemRandom, type Random } from './runtime/random.ts'
import { redact } from './runtime/redaction.ts'
import type { Signals } from './runtime/signals.ts'
import type { HeartbeatSource } from './scheduling/heartbeat-thread.ts'
import type { Streams } from './runtime/streams.ts'

/** Everything a command may ask for. Getters build on first use; `close` ends what was built. */
export interface Context {
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly logger: Logger
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly version: string
  readonly paths: Paths
  readonly signals: Signals
  /** For tests only: where this process is told to die. */
  readonly crashPoints: CrashPoints | undefined
  readonly trust: TrustStore
  /** Settings after precedence, the database's own layer included where the database is trusted. */
  settings(): Promise<Settings>
  databaseAddress(): Promise<DatabaseAddress>
  /** False only for a file that does not exist; whether a server answers shows when it is asked. */
  databaseExists(): Promise<boolean>
  /**
   * The database of this call. Where its file does not exist this is an empty stand-in in memory and one
   * warning, so that "no database" is the same case as "every table is missing".
   */
  database(): Promise<Database>
  /** Opens the database and creates its file; for `init`, `quickstart` and `db migrate` only. */
  createDatabase(): Promise<Database>
  /**
   * Creates the database and every missing table, and trusts a database that this call created; for
   * `init`, `quickstart`, `db migrate` and `db adopt` only.
   */
  migrate(options?: MigrateRequest): Promise<MigratedDatabase>
  /** Where the backups of the database are, and how many of each kind are kept. */
  backupPlace(): Promise<BackupPlace>
  /** Which tables exist. */
  tables(): Promise<Capabilities>
  /** Whether this user trusts the database on this machine. Where not, says so once. */
  databaseIsTrusted(): Promise<boolean>
  /** Where models are called: stored, from the environment, or found on this machine. */
  providers(): Promise<ProviderManager>
  /** Cooldowns of providers and models. */
  health(): Promise<ProviderHealth>
  /** What is known of each model. */
  models(): Promise<ModelRegistry>
  /** The org chart. */
  roles(): Promise<OrgChart>
  /** Chooses models by the settings; `allowRehearsal` lets a simulated one stand in where nothing else can. */
  modelChooser(options?: { readonly allowRehearsal?: boolean }): Promise<(wish: ModelWish) => Promise<Choice>>
  /** The settings that all schedulers keep to, as they are now. */
  sharedSettings(): Promise<SharedSettings>
  /** What every paid call needs. */
  callDeps(options?: CallOptions): Promise<CallDeps>
  /** What executing attempts needs. */
  executionDeps(options?: CallOptions): Promise<ExecutionDeps>
  /** Starts a runner of `orch doctor --prove`. */
  readonly proofRunnerScript: string
  /** Where a heartbeat thread runs and what it connects to; null where there is none: unbundled, or in memory. */
  heartbeat(): Promise<HeartbeatSource | null>
  close(): Promise<void>
}

/** What a caller may say about a migration; the rest is the same for all of them. */
export type MigrateRequest = Pick<MigrateOptions, 'to' | 'lockTimeoutMs' | 'signal' | 'onStep'> & {
  /** Told when what was there had been saved. */
  readonly onBackup?: (backup: Backup) => void
}

export interface CallOptions {
  readonly allowUnpriced?: boolean
  readonly allowRehearsal?: boolean
}

export interface MigratedDatabase extends MigrationReport {
  readonly database: Database
  /** The file or schema did not exist before. */
  readonly created: boolean
  /** Null where nothing was to be done, or nothing could be lost. */
  readonly backup: Backup | null
}

export interface ContextOptions extends Pick<CapabilityOptions, 'onMissing'> {
  readonly globals: GlobalOptions
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly streams: Streams
  readonly signals: Signals
  readonly warn: (message: string, hint?: string) => void
}

const untrustedConsequence = 'its approvals, permissions and providers count as absent, and nothing in it starts'
const untrustedHint = 'If you know where it comes from, look at what it holds and say `orch db trust`'

/** Builds the context of one call. Opens nothing. */
export function createContext(options: ContextOptions): Context {
  const logger = options.globals.verbose ? lineLogger(options.streams.stderr) : silentLogger
  const paths = findPaths(options.cwd, options.env)
  const files = lazy(() => readFiles(options, paths))
  const databases = databaseGetters(options, { paths, files, logger })
  const trust = openTrustStore(paths.userConfigDir)
  const databaseIsTrusted = async () => {
    const { address } = await databases.database()
    if (trust.isTrusted(address)) return true
    options.warn(`${address} is not trusted on this machine: ${untrustedConsequence}`, untrustedHint)
    return false
  }
  const settings = lazy(async () => {
    const { readStoredSettings } = await import('./database/repositories/setting-repository.ts')
    const stored = (await databaseIsTrusted())
      ? await readStoredSettings(await databases.database(), await databases.tables())
      : new Map()
    return new Settings({ env: options.env, database: stored, ...(await files()) })
  })
  const sharedSettings = lazy(async () => {
    const { SharedSettings } = await import('./calls/shared-settings.ts')
    return new SharedSettings({
      settings: await settings(),
      database: await databases.database(),
      tables: await databases.tables(),
      databaseTrusted: await databaseIsTrusted(),
      clock: systemClock,
    })
  })
  const userConfigDir = paths.userConfigDir
  const providers = providerGetters({ ...databases, databaseIsTrusted, env: options.env, userConfigDir })
  const models = modelGetters({ ...databases, ...providers, databaseIsTrusted, settings })
  const crashPoints = crashPointsFrom(options.env[crashPointVariable])
  const features = { ...databases, ...providers, ...models, settings, sharedSettings, crashPoints }
  const callDeps = callDepsGetter({ ...features, paths, warn: options.warn })
  const saving = { ...systemParts(logger), ...databases, options, stateDir: paths.stateDir, trust }
  return {
    ...systemParts(logger),
    ...databases,
    env: options.env,
    cwd: options.cwd,
    signals: options.signals,
    crashPoints,
    proofRunnerScript: fileURLToPath(new URL('../bin/prove-runner.js', import.meta.url)),
    paths,
    trust,
    migrate: async (request = {}) => (await import('./migrate-database.ts')).migrateDatabase(saving, request),
    backupPlace: async () => (await import('./migrate-database.ts')).backupPlace(saving),
    settings,
    databaseIsTrusted,
    sharedSettings,
    ...providers,
    ...models,
    callDeps,
    heartbeat: async () => heartbeatSource(await databases.databaseAddress(), options),
    executionDeps: executionDepsGetter({ callDeps, roles: models.roles, settings, env: options.env, crashPoints }),
  }
}

type ModelSources = Pick<Context, 'database' | 'tables' | 'databaseIsTrusted' | 'providers' | 'health' | 'settings'>

function modelGetters({ database, tables, databaseIsTrusted, providers, health, settings }: ModelSources) {
  const store = lazy(async (): Promise<ModelStore> => {
    const trusted = await databaseIsTrusted()
    return { database: await database(), tables: await tables(), clock: systemClock, trusted }
  })
  const models = lazy(async () => {
    const { ModelRegistry } = await import('./models/model-registry.ts')
    return new ModelRegistry(await store(), await providers())
  })
  const roles = lazy(async () => {
    const { OrgChart } = await import('./models/org-chart.ts')
    return new OrgChart(await store())
  })
  const modelChooser: Context['modelChooser'] = async (options = {}) => {
    const { createModelChooser } = await import('./models/model-chooser.ts')
    const chosen = await settings()
    const policy = chosen.get('selection.policy') as SelectionPolicy
    const defaultModel = chosen.get('models.default')
    const parts = { registry: await models(), roles: await roles(), health: await health() }
    return createModelChooser({ ...parts, policy, defaultModel, ...options })
  }
  return { models, roles, modelChooser }
}

interface CallSources extends Pick<
  Context,
  | 'database'
  | 'tables'
  | 'providers'
  | 'health'
  | 'modelChooser'
  | 'paths'
  | 'settings'
  | 'sharedSettings'
  | 'crashPoints'
> {
  readonly warn: ContextOptions['warn']
}

function callDepsGetter(sources: CallSources): Context['callDeps'] {
  const warned = new Set<string>()
  const warnOnce = (key: string, message: string) => {
    if (!warned.has(key)) sources.warn(message)
    warned.add(key)
  }
  return async ({ allowUnpriced = false, allowRehearsal = false } = {}) => ({
    database: await sources.database(),
    tables: await sources.tables(),
    providers: await sources.providers(),
    health: await sources.health(),
    choose: await sources.modelChooser({ allowRehearsal }),
    clock: systemClock,
    random: systemRandom,
    ids: systemIds,
    spoolDir: join(sources.paths.stateDir, 'spool', hostname().replaceAll(/[^\w.-]/g, '_')),
    allowUnpriced,
    projectBudgetMicroUsd: (await sources.sharedSettings()).lately.projectBudgetMicroUsd,
    sharedSettings: await sources.sharedSettings(),
    redact,
    warnOnce,
    crashPoints: sources.crashPoints,
  })
}

type ExecutionSources = Pick<Context, 'callDeps' | 'roles' | 'settings' | 'env' | 'crashPoints'>

function executionDepsGetter(sources: ExecutionSources): Context['executionDeps'] {
  const { callDeps, roles, settings, env, crashPoints } = sources
  const onStart = () => crashPoints?.pass('during-command')
  return async (options = {}) => {
    const [{ openWorkspace }, { runCommand }, { parseAllowedBinaries }] = await Promise.all([
      import('./workspace/workspace.ts'),
      import('./workspace/run-command.ts'),
      import('./execution/tools/allowed-binaries.ts'),
    ])
    const chosen = await settings()
    return {
      calls: await callDeps(options),
      roles: await roles(),
      openWorkspace: (root) => openWorkspace(root),
      runCommand: (argv, command) => runCommand(argv, { ...command, env, clock: systemClock, onStart }),
      allowedBinaries: parseAllowedBinaries(chosen.get('commands.allow')),
      limits: executionLimits(chosen),
    }
  }
}

/** A limit that nobody set is a default: it is kept where it can be, and named where it cannot. */
function executionLimits(settings: Settings): ExecutionLimits {
  const stated = (key: SettingKey) => settings.resolved(key).source !== 'default'
  return {
    turns: settings.get('limits.turns'),
    callTimeoutMs: settings.get('limits.call_timeout_ms'),
    attemptTimeoutMs: settings.get('limits.job_timeout_ms'),
    silence: { most: settings.get('limits.job_silence_ms'), stated: stated('limits.job_silence_ms') },
    job: {
      tokens: { most: settings.get('limits.job_tokens'), stated: stated('limits.job_tokens') },
      microUsd: { most: microUsdFromUsd(settings.get('limits.job_usd')), stated: stated('limits.job_usd') },
    },
  }
}

function heartbeatSource({ url }: DatabaseAddress, { env }: ContextOptions): HeartbeatSource | null {
  // Beside the file that this one is bundled into.
  const script = new URL('./heartbeat.js', import.meta.url)
  const shared = url.includes('://') || existsSync(url)
  return shared && existsSync(script) ? { script, databaseUrl: url, schema: env['ORCH_DB_SCHEMA'] } : null
}

interface ProviderSources extends Pick<Context, 'database' | 'tables' | 'databaseIsTrusted' | 'env'> {
  readonly userConfigDir: string
}

function providerGetters(sources: ProviderSources) {
  return {
    providers: lazy(async () => {
      const { ProviderManager } = await import('./providers/provider-manager.ts')
      return new ProviderManager({ ...sources, clock: systemClock })
    }),
    health: lazy(async () => {
      const { ProviderHealth } = await import('./providers/health.ts')
      return new ProviderHealth({ ...sources, clock: systemClock, random: systemRandom })
    }),
  }
}

function systemParts(logger: Logger) {
  return { clock: systemClock, random: systemRandom, ids: systemIds, logger, version: packageJson.version }
}

type Files = Awaited<ReturnType<typeof readFiles>>

async function readFiles({ globals, cwd }: ContextOptions, paths: Paths) {
  const projectPath = globals.config === undefined ? join(paths.orchDir, 'config.yaml') : resolve(cwd, globals.config)
  if (globals.config !== undefined && !existsSync(projectPath)) {
    const { OrchError } = await import('./errors/orch-error.ts')
    throw new OrchError('ORCH_CONFIG_INVALID', `--config: there is no file ${projectPath}`)
  }
  return {
    projectFile: await readSettingsFile(projectPath, 'project'),
    userFile: await readSettingsFile(join(paths.userConfigDir, 'config.yaml'), 'user'),
  }
}

interface FoundFiles {
  readonly paths: Paths
  readonly files: () => Promise<Files>
  readonly logger: Logger
}

function databaseGetters(options: ContextOptions, { paths, files, logger }: FoundFiles) {
  const opened: Database[] = []
  let closed = false
  const ownSettings = lazy(async () => new Settings({ env: options.env, database: new Map(), ...(await files()) }))
  const address = lazy(async () => {
    const settings = await ownSettings()
    return findDatabaseAddress({ flag: options.globals.db, settings, paths, cwd: options.cwd })
  })
  const open = async (url: string, create: boolean) => {
    const { openDatabase } = await import('./database/connection.ts')
    const database = await openDatabase(url, { ...openOptions(options), create, pinned: create })
    logger.debug('opened the database', { address: database.address, engine: database.dialect.label })
    // Whoever asked for it may be gone by now, with a signal: its connections would keep the process for seconds.
    if (closed) await database.close()
    opened.push(database)
    return database
  }
  const createDatabase = lazy(async () => open((await address()).url, true))
  const databaseExists = async () => {
    const { url } = await address()
    return url.includes('://') || url === ':memory:' || existsSync(url)
  }
  const database = lazy(async () => {
    const { url } = await address()
    if (await databaseExists()) return open(url, false)
    options.warn(`There is no database at ${url}`, 'Run `orch init` here, or name a database with --db')
    return open(':memory:', true)
  })
  const tables = lazy(async () => {
    const [{ Capabilities }, { migrations }] = await Promise.all([
      import('./database/capabilities.ts'),
      import('../migrations/index.ts'),
    ])
    return new Capabilities(await database(), migrations, { clock: systemClock, onMissing: options.onMissing })
  })
  const close = async () => {
    closed = true
    for (const one of opened.splice(0)) await one.close()
  }
  return { databaseAddress: address, databaseExists, database, createDatabase, tables, ownSettings, close }
}

function openOptions({ env }: ContextOptions): OpenOptions {
  const schema = env['ORCH_DB_SCHEMA']
  return { clock: systemClock, random: systemRandom, ...(schema === undefined ? {} : { schema }) }
}
