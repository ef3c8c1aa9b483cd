import type { Choice } from '../../models/model.ts'
import { iso } from './json.ts'
import { plainLine } from './plain.ts'
import { table, type TableOptions } from './table.ts'

/** A choice as `--json` prints it: the chosen model first, then what would be tried next. */
export function choiceDocument(role: string, { chain, excluded }: Choice) {
  const ranked = chain.map(({ model, reason }) => ({ model: model.name, reason }))
  return {
    role,
    chosen: ranked[0] ?? null,
    fallbacks: ranked.slice(1),
    excluded: excluded.map(({ name, reason, untilMs }) => ({ name, reason, until: iso(untilMs ?? null) })),
  }
}

/** The chosen model and the reason; with `explain` every other model too. */
export function choiceText(
  { chain, excluded }: Choice,
  { explain, ...options }: TableOptions & { readonly explain: boolean },
): string {
  const [chosen, ...fallbacks] = chain
  const first =
    chosen === undefined ? 'No model can be used' : `${plainLine(chosen.model.name)}\n  ${plainLine(chosen.reason)}`
  if (!explain && chosen !== undefined) return first
  const next = fallbacks.map(({ model, reason }, index) => [String(index + 2), model.name, reason])
  const out = excluded.map(({ name, reason }) => ['out', name, reason])
  if (next.length + out.length === 0) return first
  return `${first}\n\n${table(['rank', 'model', 'why'], [...next, ...out], options)}`
}
