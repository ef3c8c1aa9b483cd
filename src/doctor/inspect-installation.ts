/** What `orch doctor` looks at: each part by itself, so that one broken part does not hide the others. */
import type { DatabaseAddress } from '../config/database-address.ts'
import type { Paths } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import type { Capabilities } from '../database/capabilities.ts'
import type { Database } from '../database/connection.ts'
import type { TableName } from '../database/tables.ts'
import type { ModelRegistry } from '../models/model-registry.ts'
import type { ProviderHealth } from '../providers/health.ts'
import { waysToAdd, type ProviderManager } from '../providers/provider-manager.ts'
import { findingsOf, look, orderedFindings, type Finding } from './finding.ts'
import { withoutTable } from './missing-table.ts'

/** The parts of an installation; each is opened only when it is looked at, and may throw. */
export interface Installation {
  readonly version: string
  readonly nodeVersion: string
  readonly platform: string
  readonly paths: Paths
  readonly now: () => number
  settings(): Promise<Settings>
  databaseAddress(): Promise<DatabaseAddress>
  database(): Promise<Database>
  tables(): Promise<Capabilities>
  databaseIsTrusted(): Promise<boolean>
  providers(): Promise<ProviderManager>
  health(): Promise<ProviderHealth>
  models(): Promise<ModelRegistry>
}

/** The oldest Node that has what orch uses. */
const oldestNode = [20, 19] as const

/** Looks at everything. Never throws; asks each usable provider for its list of models. */
export async function inspectInstallation(parts: Installation): Promise<readonly Finding[]> {
  return orderedFindings([
    ...inspectEnvironment(parts),
    ...(await look('configuration', () => inspectConfiguration(parts))),
    ...(await look('database', () => inspectDatabase(parts))),
    ...(await look('providers', () => inspectProviders(parts))),
    ...(await look('models', () => inspectModels(parts))),
  ])
}

function inspectEnvironment({ version, nodeVersion, platform, paths }: Installation): readonly Finding[] {
  const { ok, off } = findingsOf('environment')
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number)
  const isOld = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])
  return [
    isOld
      ? off(`Node ${nodeVersion} is too old for orch`, `install Node ${oldestNode.join('.')} or newer`)
      : ok(`orch ${version}, Node ${nodeVersion}, ${platform}`),
    ok(`project ${paths.projectDir}; your configuration ${paths.userConfigDir}; state ${paths.stateDir}`),
  ]
}

async function inspectConfiguration({ settings }: Installation): Promise<readonly Finding[]> {
  const { ok } = findingsOf('configuration')
  const changed = (await settings()).all().filter(({ source }) => source !== 'default')
  return [ok(`${changed.length} settings differ from their defaults`)]
}

async function inspectDatabase(parts: Installation): Promise<readonly Finding[]> {
  const { ok, off } = findingsOf('database')
  const { url, source } = await parts.databaseAddress()
  const database = await parts.database()
  if (database.address === ':memory:' && url !== ':memory:') {
    return [off(`there is no database at ${url} (${source}): nothing is kept`, 'orch init')]
  }
  const trust = (await parts.databaseIsTrusted())
    ? ok('trusted on this machine')
    : off('not trusted on this machine: its approvals, providers and permissions do not count', 'orch db trust')
  return [
    ok(`${database.dialect.label} at ${database.address} (${source})`),
    trust,
    ...(await inspectTables(await parts.tables())),
  ]
}

async function inspectTables(tables: Capabilities): Promise<readonly Finding[]> {
  const { ok, off } = findingsOf('database')
  const expected = Object.keys(withoutTable) as TableName[]
  const missing = await tables.missing(expected)
  if (missing.length === 0) return [ok(`all ${expected.length} tables are there`)]
  return missing.map((table) => off(`no table ${table}: ${withoutTable[table]}`, 'orch db migrate'))
}

async function inspectProviders(parts: Installation): Promise<readonly Finding[]> {
  const { ok, off } = findingsOf('providers')
  const manager = await parts.providers()
  const health = await parts.health()
  const findings: Finding[] = []
  for (const provider of await manager.list()) {
    const problem = provider.enabled ? await manager.problem(provider) : 'disabled'
    const until = await health.cooldownUntil(provider.id, '')
    const name = `${provider.id} (${provider.baseUrl}, ${provider.origin})`
    if (!provider.enabled) findings.push(off(`${name} is disabled`, `orch providers enable ${provider.id}`))
    else if (problem !== null) findings.push(off(`${name}: ${problem}`, `orch providers key ${provider.id}`))
    else if (until !== null)
      findings.push(off(`${name} rests for ${seconds(until - parts.now())}`, 'orch providers cooldowns'))
    else findings.push(ok(name))
  }
  const ignored = await manager.ignoredCount()
  if (ignored > 0)
    findings.push(off(`${ignored} stored providers are ignored: the database is not trusted`, 'orch db trust'))
  return findings.length > 0 ? findings : [off('no provider: model jobs can only be rehearsed', waysToAdd)]
}

function seconds(durationMs: number): string {
  return `${Math.ceil(durationMs / 1000)} s`
}

async function inspectModels(parts: Installation): Promise<readonly Finding[]> {
  const { ok, off } = findingsOf('models')
  const { models, failures } = await (await parts.models()).survey()
  const failed = failures.map(({ provider, message }) =>
    off(`${provider.id}: ${message}`, `orch providers test ${provider.id}`),
  )
  if (models.length === 0) return [...failed, off('no model is known')]
  const unpriced = models.filter(({ specs }) => specs.price === undefined).length
  const unknown = models.filter(({ specs }) => specs.contextTokens === undefined).length
  const gaps =
    unpriced + unknown === 0
      ? []
      : [off(`${unpriced} without a known price, ${unknown} without a known context size`, 'orch models doctor')]
  return [ok(`${models.length} models known`), ...gaps, ...failed]
}
