/**
 * Promise 5: with any set of tables missing every command works, or names what is missing and the command that
 * brings it back; and no command touches a table that it does not declare. Every command takes part: a new one must be
 * given its words in `degradation-suite.ts`. The suite stands in one test file per engine, so that both run at once.
 */
import { expect, inject, it } from 'vitest'
import type { TableName } from '../../../src/database/tables.ts'
import { anyTable, ownTables } from '../../../src/doctor/table-use.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { temporaryDirectory, type OpenTestDatabase } from '../databases.ts'
import { calledElsewhere, catalogue, everyCommand } from '../degradation-suite.ts'
import { DegradationScene, undeclared } from './scene.ts'
import { chosenSubsets, type Breadth } from './subsets.ts'

/** Takes tables away before every call, and looks at every statement that follows. */
export function degradationSuite(open: OpenTestDatabase, breadth: Breadth): void {
  it('calls every command of the catalogue', () => {
    const missing = everyCommand.filter((path) => !catalogue.has(path) && !calledElsewhere.includes(path))
    expect(missing).toEqual([])
  })

  it(
    'every command touches exactly the tables it declares, and without them works or says what is off and what brings it back',
    () =>
      // One scene for both, so that what each call usually does is seen once.
      inScene(open, async (scene) => {
        expect(told(await judgeDeclarations(scene))).toBe('')
        expect(told(await judgeSubsets(scene, breadth))).toBe('')
      }),
    600_000,
  )
}

/** Makes each call with every table there. */
async function judgeDeclarations(scene: DegradationScene): Promise<readonly string[]> {
  const touched = new Map<string, Set<TableName>>()
  const complaints: string[] = []
  for (const call of scene.calls) {
    const deed = await scene.usual(call)
    const sum = touched.get(call.path) ?? new Set()
    for (const table of [...deed.touched, ...deed.asked]) sum.add(table)
    touched.set(call.path, sum)
    if (deed.exitCode === 1 || deed.exitCode === 2) complaints.push(`${call.path}: ${deed.exitCode} ${deed.stderr}`)
    const undeclaredTables = undeclared(call, deed)
    if (undeclaredTables !== null) complaints.push(undeclaredTables)
  }
  for (const { path, use } of scene.calls) {
    const idle = ownTables(use).filter((table) => touched.get(path)?.has(table) !== true)
    if (use !== anyTable && idle.length > 0) complaints.push(`${path} declares and never touches ${idle.join(', ')}`)
  }
  return complaints
}

/** Makes each call without some of its own tables. */
async function judgeSubsets(scene: DegradationScene, breadth: Breadth): Promise<readonly string[]> {
  const random = seededRandom(5)
  const complaints: string[] = []
  for (const call of scene.calls) {
    for (const missing of chosenSubsets(call.use, breadth, random)) {
      const complaint = await scene.complaint(call, missing)
      if (complaint !== null) complaints.push(complaint)
    }
  }
  return complaints
}

async function inScene<T>(open: OpenTestDatabase, work: (scene: DegradationScene) => Promise<T>): Promise<T> {
  const { url, schema } = await open()
  const scene = await DegradationScene.open(
    { url, schema, cwd: temporaryDirectory() },
    { serverUrl: inject('postgresUrl') },
  )
  try {
    return await work(scene)
  } finally {
    await scene.stage.close()
  }
}

/** One text: of a list an assertion shows the first few words only. */
function told(complaints: readonly string[]): string {
  if (complaints.length > 0) process.stderr.write(`${complaints.join('\n')}\n`)
  return complaints.join('\n')
}
