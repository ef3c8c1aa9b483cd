import type { RawSetting } from '../../config/setting-value.ts'
import { checkSetting } from '../../config/setting-value.ts'
import { isSettingKey, type SettingKey } from '../../config/setting.ts'
import type { Capabilities } from '../capabilities.ts'
import type { Database } from '../connection.ts'
import type { Db, Trx } from '../dialect/dialect.ts'
import { fromJson, toJson } from '../json.ts'

/**
 * The settings stored in orchestrator_config; empty without the table. Keys this version does not know
 * belong to another version and are left alone. Throws ORCH_CONFIG_INVALID for a value of the wrong type.
 */
export async function readStoredSettings(
  database: Database,
  tables: Pick<Capabilities, 'has'>,
): Promise<ReadonlyMap<SettingKey, RawSetting>> {
  return (await tables.has('orchestrator_config')) ? readSettingRows(database.db) : new Map()
}

/** The same where the table is known to be there, also inside a transaction. */
export async function readSettingRows(db: Db | Trx): Promise<ReadonlyMap<SettingKey, RawSetting>> {
  const settings = new Map<SettingKey, RawSetting>()
  const rows = await db.selectFrom('orchestrator_config').select(['key', 'value']).execute()
  for (const { key, value } of rows) {
    if (isSettingKey(key)) settings.set(key, checkSetting(key, fromJson<unknown>(value), 'orchestrator_config'))
  }
  return settings
}

/** Stores one setting for everybody who shares the database. */
export async function putStoredSetting(
  trx: Trx,
  { key, value, at }: { readonly key: SettingKey; readonly value: RawSetting; readonly at: number },
): Promise<void> {
  await trx
    .insertInto('orchestrator_config')
    .values({ key, value: toJson(value), updated_at: at })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: toJson(value), updated_at: at }))
    .execute()
}

/** Keys of everything stored, those of other versions included. */
export async function readSettingKeys(db: Db | Trx): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('orchestrator_config').select('key').execute()
  return new Set(rows.map(({ key }) => key))
}

/** Stores a value under a key that is free; one that is taken stays as it is. Returns whether it was free. */
export async function addStoredValue(
  trx: Trx,
  { key, value, at }: { readonly key: string; readonly value: unknown; readonly at: number },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('orchestrator_config')
    .values({ key, value: toJson(value), updated_at: at })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Removes one stored setting. Returns whether there was one. */
export async function removeStoredSetting(trx: Trx, key: SettingKey): Promise<boolean> {
  const { numDeletedRows } = await trx.deleteFrom('orchestrator_config').where('key', '=', key).executeTakeFirst()
  return numDeletedRows > 0n
}
