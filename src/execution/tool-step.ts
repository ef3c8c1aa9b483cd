/** Tool calls and commands as errands. How an interrupted one is judged depends on what it may have done. */
import type { Workspace } from '../workspace/workspace.ts'
import type { AlsoWrite, ErrandSpec, Journal, Place, Step } from './journal.ts'

export type Effect =
  /** Reads only: may run any number of times, so that one transaction is enough. */
  | { readonly kind: 'none' }
  /** Writes one file: its hash tells on resume whether it happened. */
  | { readonly kind: 'file'; readonly workspace: Workspace; readonly path: string }
  /** Runs a program: nobody can tell what an interrupted one did. */
  | { readonly kind: 'command'; readonly repeatable: boolean }

export interface ToolStep<T> {
  readonly spec: ErrandSpec
  readonly effect: Effect
  readonly work: () => Promise<T>
  /** The output of a file write that an interrupted attempt had done. */
  readonly alreadyDone: () => T
  readonly also?: AlsoWrite
}

type Open = Extract<Place, { kind: 'open' }>
type Interrupted = Extract<Place, { kind: 'interrupted' }>

/**
 * Does a tool's work once per try, or replays its output. An interrupted file write is judged by the hash of its
 * target before and now; an interrupted command is read from the spool, repeated where the plan allows it, or
 * ends the try.
 */
export async function toolStep<T>(journal: Journal, step: ToolStep<T>): Promise<Step<T>> {
  const place = journal.next(step.spec)
  switch (place.kind) {
    case 'ended':
      return place
    case 'replay':
      return { kind: 'done', output: place.output as T, replayed: true }
    case 'interrupted':
      return resume(journal, step, place)
    case 'open':
      return begin(journal, step, place)
  }
}

async function begin<T>(journal: Journal, step: ToolStep<T>, place: Open): Promise<Step<T>> {
  const { effect } = step
  if (effect.kind === 'none') {
    return finish(journal, step, { place, fresh: !place.stored })
  }
  const beforeHash = effect.kind === 'file' ? await effect.workspace.hash(effect.path) : null
  const started = await journal.start('start', async (trx, present, nowMs) => {
    await journal.writeStart(trx, place, { present, nowMs, beforeHash })
    return true
  })
  if (started === null) return { kind: 'ended', outcome: { kind: 'lost' } }
  journal.deps.crashPoints?.pass('after-errand-start')
  return finish(journal, step, { place, fresh: false })
}

async function finish<T>(
  journal: Journal,
  step: ToolStep<T>,
  { place, fresh }: { place: Open | Interrupted; fresh: boolean },
): Promise<Step<T>> {
  const output = await step.work()
  if (step.effect.kind !== 'none') {
    journal.deps.crashPoints?.pass(step.effect.kind === 'file' ? 'after-file-write' : 'after-command')
  }
  // What a program printed cannot be had again, so it waits in the spool for its commit; a file can be looked at.
  if (step.effect.kind === 'command') {
    await journal.spoolResult(place.errand, { output, settlement: null })
  }
  return journal.commit(place.errand, output, { fresh, ...(step.also === undefined ? {} : { also: step.also }) })
}

async function resume<T>(journal: Journal, step: ToolStep<T>, place: Interrupted): Promise<Step<T>> {
  const { effect, also } = step
  const { errand } = place
  const extra = also === undefined ? {} : { also }
  switch (effect.kind) {
    case 'none':
      return finish(journal, step, { place, fresh: false })
    case 'file': {
      const happened = (await effect.workspace.hash(effect.path)) !== errand.beforeHash
      return happened
        ? journal.commit(errand, step.alreadyDone(), extra)
        : begin(journal, step, { kind: 'open', errand, stored: true })
    }
    case 'command': {
      const spooled = await journal.spool.take(errand.id)
      if (spooled !== null && spooled.requestHash === errand.requestHash) {
        return journal.commit(errand, spooled.output as T, extra)
      }
      if (effect.repeatable) return begin(journal, step, { kind: 'open', errand, stored: true })
      await journal.close(errand, 'unknown_outcome', 'unknown_outcome')
      return { kind: 'ended', outcome: interruptedCommand(errand.name) }
    }
  }
}

function interruptedCommand(name: string) {
  const message = `the command "${name}" was interrupted and may have run in part`
  const hint = 'A command that may be repeated within a try says `repeatable: true` in the plan'
  return { kind: 'failed', failure: { errorClass: 'command', message, hint, evidence: [] }, retryable: true } as const
}
