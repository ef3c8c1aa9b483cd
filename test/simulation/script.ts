/** What a simulation does, as data: a plan and a list of events. Numbers pick among what there is, so that any script runs. */
import { seededRandom, type Random } from '../../src/runtime/random.ts'

export interface ScriptedJob {
  /** Positions of earlier jobs, modulo the own position. */
  readonly after: readonly number[]
  /** 0 low to 3 critical. */
  readonly priority: number
  readonly tries: number
  /** Index into `resources`; null for none. */
  readonly resource: number | null
}

export const eventKinds = [
  'tick',
  'tickTogether',
  'pass',
  'end',
  'commitErrand',
  'round',
  'fault',
  'crash',
  'stop',
  'freeze',
  'thaw',
  'jumpClock',
  'cancel',
  'retry',
  'hold',
  'release',
  'pause',
  'resume',
  'cancelProject',
  'apply',
  'dropTable',
  'createTable',
] as const
export type EventKind = (typeof eventKinds)[number]

export interface ScriptedEvent {
  readonly kind: EventKind
  /** Picks whom it happens to. */
  readonly pick: number
  /** How much, or which of the variants. */
  readonly size: number
}

export interface Script {
  readonly seed: number
  readonly jobs: readonly ScriptedJob[]
  readonly schedulers: number
  readonly concurrency: number
  readonly events: readonly ScriptedEvent[]
}

/** What jobs may have to themselves: named resources and globs, some of which overlap. */
export const resources: readonly { readonly locks?: readonly string[]; readonly writes?: readonly string[] }[] = [
  { locks: ['port'] },
  { locks: ['port', 'disk'] },
  { locks: ['disk'] },
  { writes: ['src/**'] },
  { writes: ['src/a/**', 'docs/*.md'] },
  { writes: ['src/b/**'] },
  { writes: ['docs/guide/**'] },
]

export const shapes = ['chain', 'fanOut', 'fanIn', 'diamond', 'layered', 'random'] as const

/** Positions that job `index` comes after, in a plan of `size` jobs of that shape. */
function parentsOf(shape: (typeof shapes)[number], index: number, size: number, random: Random): number[] {
  switch (shape) {
    case 'chain':
      return index === 0 ? [] : [index - 1]
    case 'fanOut':
      return index === 0 ? [] : [0]
    case 'fanIn':
      return index < size - 1 ? [] : range(index)
    case 'diamond':
      if (index === 0) return []
      return index < size - 1 || size < 3 ? [0] : range(index).slice(1)
    case 'layered': {
      const width = Math.max(1, Math.round(Math.sqrt(size)))
      const layer = Math.floor(index / width)
      return layer === 0 ? [] : range(width).map((column) => (layer - 1) * width + column)
    }
    case 'random':
      return range(whole(random, 4)).map(() => whole(random, Math.max(1, index)))
  }
}

/** Events by how often they happen. Time, passes and ends are what a life consists of. */
const weights: readonly (readonly [EventKind, number])[] = [
  ['tick', 30],
  ['tickTogether', 6],
  ['pass', 8],
  ['end', 26],
  ['commitErrand', 5],
  ['round', 4],
  ['fault', 8],
  ['crash', 3],
  ['stop', 1],
  ['freeze', 2],
  ['thaw', 2],
  ['jumpClock', 1],
  ['cancel', 2],
  ['retry', 4],
  ['hold', 1],
  ['release', 2],
  ['pause', 0.5],
  ['resume', 1],
  ['cancelProject', 0.1],
  ['apply', 2],
  ['dropTable', 0.7],
  ['createTable', 1],
]
const weightSum = weights.reduce((sum, [, weight]) => sum + weight, 0)

/** The plan and the life that a seed stands for. */
export function scriptOf(seed: number, largest = 30): Script {
  const random = seededRandom(seed)
  const shape = shapes[whole(random, shapes.length)] ?? 'random'
  // Small plans are the common case: what goes wrong, goes wrong with few jobs.
  const size = 1 + Math.floor(largest * random.next() ** 2)
  const jobs = range(size).map((index): ScriptedJob => ({
    after: parentsOf(shape, index, size, random),
    priority: whole(random, 4),
    tries: 1 + whole(random, 3),
    resource: random.next() < 0.3 ? whole(random, resources.length) : null,
  }))
  const length = 12 + Math.floor(size * (1 + 2 * random.next()))
  return {
    seed,
    jobs,
    schedulers: 1 + whole(random, 3),
    concurrency: 1 + whole(random, 4),
    events: range(length).map(() => ({ kind: kindOf(random), pick: whole(random, 1000), size: whole(random, 1000) })),
  }
}

function kindOf(random: Random): EventKind {
  let left = random.next() * weightSum
  for (const [kind, weight] of weights) {
    left -= weight
    if (left < 0) return kind
  }
  return 'tick'
}

export function whole(random: Random, below: number): number {
  return Math.floor(random.next() * below)
}

function range(length: number): number[] {
  return Array.from({ length }, (_none, index) => index)
}
