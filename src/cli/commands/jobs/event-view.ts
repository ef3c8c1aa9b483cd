/** Events of the history as `--json` prints them and as people read them. */
import type { JobEvent } from '../../../database/repositories/event-repository.ts'
import { iso } from '../../render/json.ts'
import { plainLine } from '../../render/plain.ts'

export function eventFields(event: JobEvent, name: string | null) {
  const { id, jobId, attempt, kind, data, createdAt } = event
  return { id, job: name, jobId, attempt, event: kind, data, at: iso(createdAt) }
}

/** `2026-11-02T09:00:00.000Z todo-api/tests #2 failed: no file`. */
export function eventLine(event: JobEvent, name: string | null): string {
  const attempt = event.attempt === null ? '' : ` #${event.attempt}`
  const details = Object.entries(event.data).flatMap(([key, value]) => detail(key, value))
  const text = details.length === 0 ? '' : `: ${details.join(', ')}`
  return plainLine(`${iso(event.createdAt)} ${name ?? 'project'}${attempt} ${event.kind}${text}`)
}

function detail(key: string, value: unknown): string[] {
  if (value === null || value === undefined) return []
  if (typeof value === 'number' && key.endsWith('At')) return [`${key} ${iso(value)}`]
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return [key === 'message' || key === 'reason' ? text : `${key} ${text}`]
}
