/** What `jobs retry` did, as `--json` prints it and as people read it. */
import type { RetryChange } from '../../../domain/retry-plan.ts'
import { formatMicroUsd } from '../../../domain/money.ts'
import type { Repair } from '../../../scheduling/repair-job.ts'
import type { Io } from '../../io.ts'
import { money } from '../../render/json.ts'
import { plainLine } from '../../render/plain.ts'

export interface Retried {
  readonly changes: readonly RetryChange[]
  /** The job that keeps a part of its journal. */
  readonly repaired: { readonly jobId: string; readonly repair: Repair } | null
}

export function keptFields({ keptTry, errands, saved, files }: Repair) {
  return {
    fromTry: keptTry,
    errands,
    calls: saved?.calls ?? null,
    tokens: saved?.tokens ?? null,
    cost: saved === null || saved.unknownCalls > 0 ? null : money(saved.knownMicroUsd),
    files,
  }
}

/** `Keeps 7 errands of try 1: 4 calls, 12000 tokens, $0.12 are not bought again.` and the files it relies on. */
export function keptText(repair: Repair): string {
  const { keptTry, errands, saved, files } = repair
  const noun = errands === 1 ? 'errand' : 'errands'
  const head = `Keeps ${errands} ${noun} of try ${keptTry}${saved === null ? '' : `: ${savedText(saved)}`}.`
  const relied = files.map(({ path, ordinal, state }) =>
    plainLine(`  ${path} (errand ${ordinal}, ${stateText[state]})`),
  )
  return [head, ...(relied.length === 0 ? [] : ['It relies on files that are not written again:', ...relied]), ''].join(
    '\n',
  )
}

function savedText({ calls, tokens, knownMicroUsd, unknownCalls }: NonNullable<Repair['saved']>): string {
  const unknown = unknownCalls === 0 ? '' : ` and ${unknownCalls} calls of unknown cost`
  const verb = calls === 1 ? 'is' : 'are'
  return `${calls} ${calls === 1 ? 'call' : 'calls'}, ${tokens} tokens, ${formatMicroUsd(knownMicroUsd)}${unknown} ${verb} not bought again`
}

const stateText = {
  same: 'as it left it',
  changed: 'changed since',
  missing: 'gone',
  unknown: 'not checked',
} as const satisfies Record<Repair['files'][number]['state'], string>

/** Says by name which files are no longer what the kept errands left. */
export function warnOfFiles(io: Io, { files }: Repair): void {
  const differ = files.filter(({ state }) => state === 'changed' || state === 'missing')
  if (differ.length === 0) return
  const named = differ.map(({ path, state }) => `${path} (${stateText[state]})`).join(', ')
  io.warn(
    `The new try takes these files for written, and they are not as its kept errands left them: ${named}`,
    'Put them back, or name an earlier errand with --from: what it wrote after that is written again',
  )
}

export function changeText(changes: readonly RetryChange[]): string {
  const count = (to: string) => changes.filter((one) => one.to === to).length
  if (changes.length === 0) return 'Nothing to bring back.'
  const still = count('skipped')
  const rest = still === 0 ? '' : `; ${still} stay skipped because of another dead job`
  return `${count('ready')} ready, ${count('blocked')} blocked again${rest}. Next: orch jobs run`
}
