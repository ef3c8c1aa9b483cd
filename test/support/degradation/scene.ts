/** Makes the calls of the catalogue on a stage with tables missing, and judges how each met what was missing. */
import { Capabilities } from '../../../src/database/capabilities.ts'
import type { TableName } from '../../../src/database/tables.ts'
import { anyTable, ownTables, standingOf, type TableUse } from '../../../src/doctor/table-use.ts'
import { exitCodes } from '../../../src/errors/exit-code.ts'
import { runOrch, type OrchResult } from '../run-orch.ts'
import { catalogue, commandModule, isBuilt, otherEngine, writeCallFiles } from '../degradation-suite.ts'
import { openStage, type Stage, type StagePlace } from './stage.ts'
import { tablesIn, withStatementLog } from './statement-log.ts'

export interface Call {
  /** `jobs list` or `init`. */
  readonly path: string
  readonly words: readonly string[]
  readonly use: TableUse
}

/** What a call did. */
export interface Deed extends OrchResult {
  /** Tables of the stage that a statement named. */
  readonly touched: ReadonlySet<TableName>
  /** Tables whose presence was asked for. */
  readonly asked: ReadonlySet<TableName>
}

/** No call of the catalogue takes longer; one that hangs is interrupted, and its exit tells. */
const longestMs = 20_000

/** Every call of the catalogue. */
async function everyCall(): Promise<readonly Call[]> {
  const made: Call[] = []
  for (const [path, argvs] of catalogue) {
    if (!isBuilt(path)) continue
    const { tables: use } = await commandModule(path)
    for (const words of argvs) made.push({ path, words, use })
  }
  return made
}

/** Where `db transfer` may go from a file; from a server it goes to a file beside it. */
export interface SceneOptions {
  readonly serverUrl?: string | undefined
}

export class DegradationScene {
  readonly stage: Stage
  readonly calls: readonly Call[]
  readonly #usual = new Map<Call, Deed>()

  private constructor(stage: Stage, calls: readonly Call[]) {
    this.stage = stage
    this.calls = calls
  }

  static async open(given: StagePlace, { serverUrl }: SceneOptions = {}): Promise<DegradationScene> {
    writeCallFiles(given.cwd)
    const target = given.schema === undefined ? serverUrl : 'elsewhere.db'
    const scene = new DegradationScene(await openStage(given), goingTo(target, await everyCall()))
    await scene.#run(['db', 'trust'])
    return scene
  }

  /** Puts everything back, takes the tables away and makes the call in this process. */
  async make(call: Call, missing: ReadonlySet<TableName>): Promise<Deed> {
    await this.stage.set(missing)
    const asked = new Set<TableName>()
    const { missing: ask } = Capabilities.prototype
    Capabilities.prototype.missing = function watched(this: Capabilities, tables) {
      for (const table of tables) asked.add(table)
      return ask.call(this, tables)
    }
    try {
      const argv = [...call.path.split(' '), ...call.words]
      const { done, statements } = await withStatementLog(this.stage.place, () => this.#run(argv))
      return { ...done, touched: tablesIn(statements), asked }
    } finally {
      Capabilities.prototype.missing = ask
    }
  }

  /** What the call does when nothing is missing. */
  async usual(call: Call): Promise<Deed> {
    const known = this.#usual.get(call) ?? (await this.make(call, new Set()))
    this.#usual.set(call, known)
    return known
  }

  /** Makes the call and says what was wrong with how it met the missing tables; null when nothing was. */
  async complaint(call: Call, missing: ReadonlySet<TableName>): Promise<string | null> {
    const usual = await this.usual(call)
    const deed = await this.make(call, missing)
    return complaintOf(call, { missing, usual, deed }) ?? undeclared(call, deed)
  }

  #run(argv: readonly string[]): Promise<OrchResult> {
    const { url, schema, cwd } = this.stage.place
    const env: Record<string, string> = schema === undefined ? {} : { ORCH_DB_SCHEMA: schema }
    return runOrch([...argv, '--db', url], { cwd, env, signal: AbortSignal.timeout(longestMs) })
  }
}

/** The calls with the other engine's address in its place; without those that need one where there is none. */
function goingTo(target: string | undefined, calls: readonly Call[]): readonly Call[] {
  if (target === undefined) return calls.filter(({ words }) => !words.includes(otherEngine))
  return calls.map((call) => ({ ...call, words: call.words.map((word) => (word === otherEngine ? target : word)) }))
}

export interface Meeting {
  readonly missing: ReadonlySet<TableName>
  readonly usual: OrchResult
  readonly deed: OrchResult
}

const typedExits = new Set<number>(
  Object.entries(exitCodes).flatMap(([name, { code }]) => (name === 'bug' || name === 'usage' ? [] : code)),
)

/** What was wrong with how a call met missing tables, or null. */
export function complaintOf({ path, words, use }: Call, { missing, usual, deed }: Meeting): string | null {
  const said = `${[path, ...words].join(' ')} without ${[...missing].join(', ')}: exit ${deed.exitCode} (usually ${usual.exitCode}): ${deed.stderr.trim()}`
  if (/^\s+at /m.test(deed.stderr) || deed.stderr.includes('ORCH_BUG')) return `${said} [a bug]`
  if (!typedExits.has(deed.exitCode)) return `${said} [no typed exit]`
  const standing = standingOf(use, missing, words)
  const same = deed.exitCode === usual.exitCode && plainOutput(deed) === plainOutput(usual)
  if (standing.kind === 'works') return deed.exitCode === usual.exitCode ? null : `${said} [should simply work]`
  // What a stream reports is its data: it says there what it waits for.
  const text = deed.stderr + deed.stdout
  const namesOne = standing.missing.some((table) => text.includes(table))
  // Whatever is about the tables themselves answers otherwise by its nature.
  const saysWhy = namesOne || /^error: .*\[ORCH_\w+\]\n {2}\S/m.test(deed.stderr)
  if (use === anyTable) return saysWhy || deed.exitCode === usual.exitCode ? null : `${said} [does not say why]`
  const namesIt = namesOne && text.includes('orch db migrate')
  if (standing.kind === 'off') return namesIt ? null : `${said} [does not name what is missing and orch db migrate]`
  if (deed.stderr.includes('ORCH_TABLE_MISSING')) return `${said} [declares that it does without]`
  return namesIt || same ? null : `${said} [answers otherwise and does not say why]`
}

/** A table that the call touched and its command does not declare. */
export function undeclared({ path, use }: Call, { touched }: Pick<Deed, 'touched'>): string | null {
  const declared = new Set<TableName>(ownTables(use))
  const extra = [...touched].filter((table) => table !== 'orch_migrations' && !declared.has(table))
  return extra.length === 0 ? null : `${path} touches ${extra.join(', ')} and does not declare it`
}

/** What differs from call to call by its nature is left out: ids, times and durations. */
function plainOutput({ stdout }: OrchResult): string {
  return (
    stdout
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      .replaceAll(/\d+(?:\.\d+)? ?(?:ms|s|min|h|d)\b/g, '<duration>')
      .split('\n')
      // Of jobs that run at once, any may be the first to end.
      .toSorted()
      .join('\n')
  )
}
