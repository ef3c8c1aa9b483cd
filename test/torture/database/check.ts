/** What `orch db check` says of a database that disagrees with its migrations. */
import { migrations } from '../../../migrations/index.ts'
import { checkDatabase } from '../../../src/database/migration/check-database.ts'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { exactly, type Figure, type Scene } from '../line.ts'
import type { DatabaseItem } from './item.ts'

export const ledgerCheck: DatabaseItem = {
  numbers: [14],
  name: 'check',
  promise:
    'each migration that was edited, removed or added by a newer orch is found and named, whatever the clocks say',
  run: runCheck,
}

async function runCheck(scene: Scene): Promise<readonly Figure[]> {
  const { database } = await scene.open()
  const { db } = database
  const findings = async (known: readonly Migration[]) => (await checkDatabase(database, known)).findings
  let unnamed = 0
  for (const [index, { name }] of migrations.entries()) {
    const removed = await findings(migrations.filter((_, at) => at !== index))
    const wanted = index === migrations.length - 1 ? 'newer' : 'unknown'
    if (!removed.some(({ kind, subject }) => kind === wanted && subject === name)) unnamed += 1
  }
  const edited = migrations.map((migration): Migration => ({ ...migration, up: editedUp(migration) }))
  const changed = (await findings(edited)).filter(({ kind }) => kind === 'edited').map(({ subject }) => subject)
  // Hosts whose clocks are an hour apart wrote these rows.
  await db
    .updateTable('orch_migrations')
    .set((row) => ({ applied_at: row('applied_at', '-', row('sequence', '*', 3_600_000)) }))
    .execute()
  return [
    exactly('migrations removed or newer and not named', unnamed, 0),
    exactly('migrations edited and not named', migrations.length - changed.length, 0),
    exactly('findings in what is sound, with clocks an hour apart', (await findings(migrations)).length, 0),
  ]
}

/** One index more than what was applied. */
function editedUp(migration: Migration): Migration['up'] {
  return async (db) => {
    await migration.up(db)
    const [column] = migration.columns.length > 0 ? migration.columns : ['id']
    await db.schema
      .createIndex(`${migration.table}_edited_${migration.name.slice(0, 4)}`)
      .on(migration.table)
      .column(column ?? 'id')
      .execute()
  }
}
