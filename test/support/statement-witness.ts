/** What really reaches the engines, seen below everything of orch: at the methods of their drivers. */
import SqliteFile from 'better-sqlite3'
import pg from 'pg'

/** Statements that change something, in the order in which they were sent, while `work` runs. */
export async function changesDuring(work: () => Promise<unknown>): Promise<readonly string[]> {
  const sent: string[] = []
  const note = (text: unknown) => {
    if (typeof text === 'string' && /^\s*(create|alter|drop|insert|update|delete|truncate)\b/i.test(text))
      sent.push(text)
  }
  const { query } = pg.Client.prototype
  const { prepare, exec } = SqliteFile.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    note(typeof args[0] === 'object' && args[0] !== null && 'text' in args[0] ? args[0].text : args[0])
    return Reflect.apply(query, this, args)
  } as typeof query
  SqliteFile.prototype.prepare = function (this: SqliteFile.Database, source: string) {
    note(source)
    return Reflect.apply(prepare, this, [source])
  } as typeof prepare
  SqliteFile.prototype.exec = function (this: SqliteFile.Database, source: string) {
    note(source)
    return Reflect.apply(exec, this, [source])
  } as typeof exec
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
    Object.assign(SqliteFile.prototype, { prepare, exec })
  }
  return sent
}
