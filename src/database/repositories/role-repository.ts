import type { Argv, ModelNeed } from '../../domain/plan.ts'
import type { ToolName } from '../../domain/tool-name.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { fromJson, toJson } from '../json.ts'
import type { RoleRow } from '../tables.ts'

/** A stored role. Rows written by other versions may hold needs and tools this one does not know. */
export interface StoredRole {
  readonly id: string
  readonly title: string
  readonly prompt: string
  readonly needs: readonly ModelNeed[]
  readonly tools: readonly ToolName[]
  readonly deniedCommands: readonly Argv[]
  readonly reportsTo: string | null
  readonly modelPin: string | null
}

/** Every stored role, by id. */
export async function readRoles(db: Db | Trx): Promise<readonly StoredRole[]> {
  const rows = await db.selectFrom('roles').selectAll().orderBy('id').execute()
  return rows.map(toRole)
}

/** Inserts the role or replaces the one with its id; `atMs` is the time of the change. */
export async function writeRole(db: Db | Trx, role: StoredRole, atMs: number): Promise<void> {
  const values = { ...toColumns(role), updated_at: atMs }
  await db
    .insertInto('roles')
    .values({ id: role.id, ...values, created_at: atMs })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

/** Inserts the role unless one with its id exists. Returns whether it did. */
export async function addRole(db: Db | Trx, role: StoredRole, atMs: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('roles')
    .values({ id: role.id, ...toColumns(role), created_at: atMs, updated_at: atMs })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

function toRole(row: RoleRow): StoredRole {
  return {
    id: row.id,
    title: row.title,
    prompt: row.prompt,
    needs: fromJson<ModelNeed[]>(row.needs),
    tools: fromJson<ToolName[]>(row.tools),
    deniedCommands: fromJson<Argv[]>(row.denied_commands),
    reportsTo: row.reports_to,
    modelPin: row.model_pin,
  }
}

function toColumns(role: StoredRole) {
  return {
    title: role.title,
    prompt: role.prompt,
    needs: toJson(role.needs),
    tools: toJson(role.tools),
    denied_commands: toJson(role.deniedCommands),
    reports_to: role.reportsTo,
    model_pin: role.modelPin,
  }
}
