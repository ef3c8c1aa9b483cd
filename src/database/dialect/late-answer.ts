/** Statements of which nobody needs the answer, only that they succeed. */
import type { CompiledQuery } from 'kysely'

const answeredLate = Symbol('answered late')

/** Marks a statement that changes rows and returns none: an engine that can may send it without waiting. */
export function lateAnswer<Row>(query: CompiledQuery<Row>): CompiledQuery<Row> {
  return Object.assign({ ...query }, { [answeredLate]: true })
}

export function isAnsweredLate(query: CompiledQuery): boolean {
  return answeredLate in query
}
