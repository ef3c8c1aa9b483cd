import { OrchError, errorMessage } from '../../errors/orch-error.ts'
import type { Catalog } from './catalog.ts'
import type { Statement } from './compiled-migration.ts'

/** Names of indexes that a failed build left behind: they are there, cost every write, and serve nobody. */
export function unfinishedIndexes(statements: readonly Statement[], catalog: Catalog): readonly string[] {
  return statements.flatMap(({ creates }) =>
    creates.kind === 'index' && catalog.indexes.get(creates.name)?.valid === false ? [creates.name] : [],
  )
}

/** What an unfinished index is for people. */
export function unfinishedProblem(index: string): string {
  return `index ${index} is invalid: its build failed`
}

export interface Unfinished {
  readonly schema: string | null
  /** What did not happen because of it. */
  readonly consequence: string
  readonly cause?: unknown
}

/** ORCH_MIGRATION_INCOMPLETE. orch only creates, so the second build is the owner's act: it says which. */
export function incompleteError(indexes: readonly string[], { schema, consequence, cause }: Unfinished): OrchError {
  const name = (index: string) => (schema === null ? `"${index}"` : `"${schema}"."${index}"`)
  const builds = indexes.map((index) => `reindex index concurrently ${name(index)};`).join(' ')
  const why = cause === undefined ? '' : `: ${errorMessage(cause)}`
  const problems = indexes.map(unfinishedProblem).join('; ')
  return new OrchError('ORCH_MIGRATION_INCOMPLETE', `${consequence}: ${problems}${why}`, {
    hint: `Finish it with \`${builds}\` (or drop it), then run \`orch db migrate\` again`,
    cause,
  })
}
