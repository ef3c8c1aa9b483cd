/** What the verbs share that only look. */
import type { Context } from '../../../context.ts'
import type { Reading } from '../../../database/migration/open-for-reading.ts'

/** Gives `work` the database of the call, opened so that nothing of it changes, and closes it afterwards. */
export async function withReading<T>(context: Context, work: (reading: Reading) => Promise<T>): Promise<T> {
  const { openForReading } = await import('../../../database/migration/open-for-reading.ts')
  const { url } = await context.databaseAddress()
  const schema = context.env['ORCH_DB_SCHEMA']
  const { clock, random } = context
  const reading = await openForReading(url, { clock, random, ...(schema === undefined ? {} : { schema }) })
  try {
    return await work(reading)
  } finally {
    await reading.close()
  }
}
