import { addRole, readRoles, writeRole, type StoredRole } from '../database/repositories/role-repository.ts'
import { modelNeeds } from '../domain/plan.ts'
import { grantableTools } from '../domain/tool-name.ts'
import { OrchError } from '../errors/orch-error.ts'
import { builtInRoles } from './built-in-roles.ts'
import type { ModelStore } from './model-store.ts'
import type { Role } from './role.ts'

/**
 * The roles by id: the built-in ones, overridden and joined by the rows of the table `roles`. Without the
 * table only the built-in ones exist. In a database the user does not trust, a row may neither replace a
 * built-in role nor grant a tool nor pin a model: it may have arrived with a cloned repository.
 */
export class OrgChart {
  readonly #store: ModelStore

  constructor(store: ModelStore) {
    this.#store = store
  }

  /** Every role: the built-in ones in their order, then the others by id. */
  async list(): Promise<readonly Role[]> {
    const stored = await this.#stored()
    const overriding = new Map(stored.map((role) => [role.id, role]))
    const own = stored.filter((role) => builtInRole(role.id) === undefined)
    return [...builtInRoles.map((role) => overriding.get(role.id) ?? role), ...own]
  }

  /** The role with the id. Throws ORCH_NOT_FOUND naming the ids there are. */
  async get(id: string): Promise<Role> {
    const roles = await this.list()
    const role = roles.find((one) => one.id === id)
    if (role !== undefined) return role
    throw new OrchError('ORCH_NOT_FOUND', `There is no role ${id}`, {
      hint: `Roles: ${roles.map((one) => one.id).join(', ')}`,
    })
  }

  /**
   * Stores a role, replacing the one with its id. Throws ORCH_USAGE for a value that breaks a rule,
   * ORCH_TABLE_MISSING without the table, ORCH_CONFIG_UNTRUSTED in a database the user does not trust.
   */
  async put(role: Role): Promise<Role> {
    await this.#requireWritable()
    checkRole(role, await this.list())
    await this.#store.database.write((trx) => writeRole(trx, toStored(role), this.#store.clock.now()))
    return { ...role, stored: true }
  }

  /** Stores each built-in role that has no row yet, so that it can be edited. Returns the ids it stored. */
  async seed(): Promise<readonly string[]> {
    await this.#requireWritable()
    const atMs = this.#store.clock.now()
    return this.#store.database.write(async (trx) => {
      const added: string[] = []
      for (const role of builtInRoles) {
        if (await addRole(trx, toStored(role), atMs)) added.push(role.id)
      }
      return added
    })
  }

  async #stored(): Promise<readonly Role[]> {
    const { database, tables, trusted } = this.#store
    if (!(await tables.has('roles'))) return []
    const rows = await readRoles(database.db)
    const known = rows.map(toRole)
    if (trusted) return known
    return known
      .filter((role) => builtInRole(role.id) === undefined)
      .map((role) => ({ ...role, tools: [], modelPin: null }))
  }

  async #requireWritable(): Promise<void> {
    await this.#store.tables.require(['roles'], 'changing roles')
    if (this.#store.trusted) return
    throw new OrchError('ORCH_CONFIG_UNTRUSTED', 'Roles of a database that you do not trust have no effect', {
      hint: 'Look at it with `orch roles list`, then say `orch db trust`',
    })
  }
}

function builtInRole(id: string): Role | undefined {
  return builtInRoles.find((role) => role.id === id)
}

/** Drops needs and tools that this version does not know: an unknown permission is none. */
function toRole(row: StoredRole): Role {
  return {
    ...row,
    needs: modelNeeds.filter((need) => row.needs.includes(need)),
    tools: grantableTools.filter((tool) => row.tools.includes(tool)),
    stored: true,
  }
}

function toStored({ stored: _, ...role }: Role): StoredRole {
  return role
}

const longestPromptBytes = 64_000

function checkRole(role: Role, others: readonly Role[]): void {
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(role.id)) {
    throw invalid(`the id ${JSON.stringify(role.id)} must be up to 64 of a-z, 0-9, _ and -, beginning with a letter`)
  }
  if (role.title.trim() === '') throw invalid('the title is empty')
  if (role.prompt.trim() === '') throw invalid('the prompt is empty')
  if (Buffer.byteLength(role.prompt) > longestPromptBytes) {
    throw invalid(`the prompt is longer than ${longestPromptBytes} bytes, which no model would heed`)
  }
  checkLine(role, others)
}

function checkLine(role: Role, others: readonly Role[]): void {
  const bosses = new Map(others.map((one) => [one.id, one.reportsTo]))
  if (role.reportsTo !== null && role.reportsTo !== role.id && !bosses.has(role.reportsTo)) {
    throw invalid(`it reports to ${role.reportsTo}, and there is no such role`)
  }
  const line = [role.id]
  for (let boss = role.reportsTo; boss !== null; boss = bosses.get(boss) ?? null) {
    line.push(boss)
    if (boss === role.id) throw invalid(`its reporting line is a circle: ${line.join(' -> ')}`)
    // A circle among stored rows that does not pass through this role.
    if (line.length > bosses.size + 1) break
  }
}

function invalid(reason: string): OrchError {
  return new OrchError('ORCH_USAGE', `The role cannot be stored: ${reason}`)
}
