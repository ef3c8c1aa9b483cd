// The least that a start after another process's commit can cost: hear of it, take the row in one transaction, say so.
// A process of its own, like `orch jobs run`. usage: node raw-waker.js sqlite <path> | postgres <url>
import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import pg from 'pg'

const take = "update raw_jobs set state = 'running' where state = 'ready' returning id"
const promptLooks = 500
const say = (id) => process.stdout.write(`${id}\n`)

function wakeOnSqlite(path) {
  const file = new BetterSqlite(path)
  file.pragma('synchronous = full')
  const version = file.prepare('pragma data_version').pluck()
  const taking = file.prepare(take).pluck()
  let known = version.get()
  let looks = 0
  const look = () => {
    if (version.get() === known) {
      looks -= 1
      // The hint comes before the commit, which may take long to reach the disk.
      if (looks > promptLooks) setImmediate(look)
      else if (looks > 0) setTimeout(look, 1)
      return
    }
    known = version.get()
    for (const id of taking.all()) say(id)
  }
  watch(dirname(path), (_kind, name) => {
    if (!name.startsWith(basename(path))) return
    looks = 2 * promptLooks
    look()
  })
}

async function wakeOnPostgres(url) {
  const [listener, worker] = [new pg.Client(url), new pg.Client(url)]
  await Promise.all([listener.connect(), worker.connect()])
  const takeAll = async () => {
    const { rows } = await worker.query(take)
    for (const { id } of rows) say(id)
  }
  listener.on('notification', () => void takeAll())
  await listener.query('listen raw_jobs')
}

const [engine, address] = process.argv.slice(2)
if (engine === 'sqlite') wakeOnSqlite(address)
else await wakeOnPostgres(address)
say('ready')
