import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtInRoles } from '../../../src/models/built-in-roles.ts'
import { topologicalOrder, width } from '../../../src/domain/plan-graph.ts'
import { blueprints, findBlueprint } from '../../../src/planning/blueprints/registry.ts'
import { repoReport } from '../../../src/planning/blueprints/repo-report.ts'
import { parsePlanFile, serializePlan } from '../../../src/planning/plan-file.ts'
import { validatePlan } from '../../../src/planning/validate-plan.ts'
import { temporaryDirectory } from '../../support/databases.ts'

const roles = new Set(builtInRoles.map(({ id }) => id))

describe('blueprints', () => {
  it.each(blueprints.map((blueprint) => [blueprint.name, blueprint] as const))('%s is valid', (name, blueprint) => {
    const plan = blueprint.build({ goal: null, project: name })
    expect(validatePlan(plan, { roles })).toEqual([])
    expect(parsePlanFile(serializePlan(plan))).toMatchObject({ kind: 'plan', plan })
    expect(plan.jobs.filter((job) => job.acceptance.length === 0 && job.executor !== 'command')).toEqual([])
    expect(width(plan.jobs)).toBeGreaterThan(1)
  })

  it('takes the person’s own goal', () => {
    expect(findBlueprint('rest-api').build({ goal: 'Recipes', project: 'x' })).toMatchObject({ goal: 'Recipes' })
  })

  it('lets agents write only with roles that grant writing', () => {
    const writers = new Set(builtInRoles.filter(({ tools }) => tools.includes('write')).map(({ id }) => id))
    const agents = blueprints
      .flatMap((blueprint) => blueprint.build({ goal: null, project: 'x' }).jobs)
      .filter((job) => job.executor === 'agent' && job.deliverables.length > 0)
    expect(agents.filter((job) => !writers.has(job.role ?? '')).map((job) => job.key)).toEqual([])
  })

  it('suggests a name', () => {
    expect(() => findBlueprint('rest-ap')).toThrow(
      expect.objectContaining({ code: 'ORCH_USAGE', hint: expect.stringContaining('rest-api') }),
    )
  })
})

describe('the programs of repo-report', () => {
  it('measure a folder in the order of the plan and pass over what they must not read', () => {
    const folder = temporaryDirectory()
    mkdirSync(join(folder, 'src'))
    mkdirSync(join(folder, 'node_modules'))
    writeFileSync(join(folder, 'README.md'), '# Title\n\nInstall it.\n')
    writeFileSync(join(folder, 'src', 'main.js'), '// TODO: less\n\nexport const a = 1\n')
    writeFileSync(join(folder, 'node_modules', 'x.js'), 'x\n')
    writeFileSync(join(folder, 'image.png'), Buffer.from([1, 0, 2]))
    symlinkSync('/etc/passwd', join(folder, 'secret.txt'))
    const plan = repoReport.build({ goal: null, project: 'x' })
    const report = runAll(plan, folder)
    const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, 'orch-report', name), 'utf8'))
    expect(read('inventory.json')).toMatchObject({
      fileCount: 3,
      files: [{ path: 'README.md' }, { path: 'image.png' }, { path: 'src/main.js', bytes: 34 }],
    })
    expect(read('languages.json')).toMatchObject({
      lines: 6,
      kinds: [
        { kind: '.md', lines: 3, blank: 1 },
        { kind: '.js', lines: 3, blank: 1 },
      ],
    })
    expect(read('markers.json')).toMatchObject({ count: 1, markers: [{ path: 'src/main.js', line: 1, text: 'less' }] })
    expect(read('readme.json')).toMatchObject({ path: 'README.md', mentions: { install: true, license: false } })
    expect(report).toContain('## Next steps\n\nwords of next-steps')
    // A second run starts from nothing, so that "changed" means changed.
    runAll(plan, folder)
    expect(existsSync(join(folder, 'orch-report', 'report.md'))).toBe(true)
  })
})

type Blueprinted = ReturnType<typeof repoReport.build>

/** Runs every command and check of the plan; model jobs are stood in for by one line of text. */
function runAll(plan: Blueprinted, folder: string): string {
  const jobs = new Map(plan.jobs.map((job) => [job.key, job]))
  for (const key of topologicalOrder(plan.jobs)) {
    const job = jobs.get(key)
    const [deliverable = ''] = job?.deliverables ?? []
    const isMeasured = job?.executor === 'command'
    if (!isMeasured) writeFileSync(join(folder, deliverable), `words of ${key}`)
    const checks = (job?.acceptance ?? []).flatMap((check) => (check.check === 'command' ? [check.run] : []))
    for (const [program, ...args] of isMeasured && job.run ? [job.run, ...checks] : checks) {
      const { status, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
      expect({ key, status, stderr }).toEqual({ key, status: 0, stderr: '' })
    }
    expect(existsSync(join(folder, deliverable))).toBe(true)
  }
  return readFileSync(join(folder, 'orch-report', 'report.md'), 'utf8')
}
