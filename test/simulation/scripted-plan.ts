import { priorities, type Priority } from '../../src/domain/job-state.ts'
import type { Plan } from '../../src/domain/plan.ts'
import { aJob, aPlan } from '../support/plan-builder.ts'
import type { PlanNode } from './reference-model.ts'
import { resources, type ScriptedJob } from './script.ts'

export const projectSlug = 'simulated'
export const workspace = '/srv/simulated'

/** A node of the model, and which of `resources` it names. */
export interface ScriptedNode extends PlanNode {
  readonly resource: number | null
}

/** The jobs of a script as nodes, each behind earlier ones only. */
export function nodesOf(jobs: readonly ScriptedJob[]): readonly ScriptedNode[] {
  return jobs.map(({ after, priority, tries, resource }, index) =>
    aNode({
      key: keyAt(index),
      after: index === 0 ? [] : [...new Set(after.map((position) => keyAt(position % index)))],
      priority,
      tries,
      resource,
    }),
  )
}

/** Two lengths of keys, because the world treats them differently. */
export function keyAt(index: number): string {
  return index % 3 === 0 ? `j${String(index).padStart(2, '0')}` : `jo${String(index).padStart(2, '0')}`
}

export function aNode(node: Omit<ScriptedNode, 'exclusive'>): ScriptedNode {
  return { ...node, exclusive: exclusiveOf(node.resource) }
}

/** What a resource means to the model: the names, and the directories that its globs lie in. */
function exclusiveOf(resource: number | null): readonly string[] {
  const { locks = [], writes = [] } = resource === null ? {} : (resources[resource] ?? {})
  return [
    ...locks.map((name) => `lock ${name}`),
    ...writes.map((glob) => `${workspace}/${glob.replace(/[^/]*\*.*$/, '')}`),
  ]
}

/** The plan that a person would have written for these nodes. */
export function planOf(nodes: readonly ScriptedNode[]): Plan {
  const names = Object.keys(priorities) as Priority[]
  const jobs = nodes.map(({ key, after, priority, tries, resource }) => {
    const { locks = [], writes = null } = resource === null ? {} : (resources[resource] ?? {})
    return aJob({ key, dependsOn: after, priority: names[priority] ?? 'low', maxTries: tries, locks, writes })
  })
  return aPlan({ project: projectSlug, jobs })
}
