import type { ChalkInstance } from 'chalk'
import type { Role } from '../../../models/role.ts'
import { plain } from '../../render/plain.ts'

/** A role as a page of text. Its prompt may come from a database, so it is made plain. */
export function roleText(role: Role, colors: ChalkInstance): string {
  const denied = role.deniedCommands.map((argv) => argv.join(' ')).join('; ')
  const facts: readonly (readonly [string, string | null])[] = [
    ['title', role.title],
    ['reports to', role.reportsTo ?? 'nobody'],
    ['needs', role.needs.join(', ') || 'nothing'],
    ['tools', role.tools.join(', ') || 'none but submit'],
    ['may not run', denied === '' ? null : denied],
    ['model', role.modelPin ?? 'chosen by policy'],
    ['from', role.stored ? 'database' : 'built in'],
  ]
  const lines = facts.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(12)}${plain(value)}`]))
  return [colors.bold(plain(role.id)), ...lines, '', plain(role.prompt)].join('\n')
}
