/** Database safety, item by item: migrations, checks, backups, adoption and moves that lose nothing. */
import { join } from 'node:path'
import { databaseItems, promisesListed } from './database/index.ts'
import type { DatabaseItem } from './database/item.ts'
import { exactly, noted, thrown, type Figure, type Scene, type Size, type TortureLine } from './line.ts'
import { makeWorkspace } from './scene.ts'

export const database: TortureLine = {
  name: 'database',
  promise: 'migrations, checks, backups, adoption and moves lose nothing, each promise of the list measured',
  run: async (scene, size) => [...(await runItems(databaseItems, scene, size)), unmeasured()],
}

/** One item as a line of its own: `database:transfer`. */
export function itemLine(item: DatabaseItem): TortureLine {
  const { name, promise, engines } = item
  return {
    name: `database:${name}`,
    promise,
    ...(engines === undefined ? {} : { engines }),
    run: (scene, size) => runItems([item], scene, size),
  }
}

/** One after the other; each item's verdict is reported as soon as it is known, and one that throws stops no other. */
async function runItems(items: readonly DatabaseItem[], scene: Scene, size: Size): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const item of items) {
    if (!(item.engines ?? ['SQLite', 'Postgres']).includes(scene.engine)) continue
    const found = await runItem(item, scene, size)
    scene.report(`  ${label(item)}: ${found.every(({ pass }) => pass) ? 'held' : 'BROKEN'}\n`)
    figures.push(...found)
  }
  return figures
}

async function runItem(item: DatabaseItem, scene: Scene, size: Size): Promise<readonly Figure[]> {
  const begin = performance.now()
  const cwd = makeWorkspace(join(scene.cwd, item.name.replaceAll(' ', '-')))
  const found = await item.run({ ...scene, cwd }, size).catch((error: unknown) => thrown(error, scene.report))
  const seconds = (performance.now() - begin) / 1000
  return [...found, noted('seconds', seconds)].map((figure) => ({ ...figure, name: `${label(item)}: ${figure.name}` }))
}

function label({ numbers, name }: DatabaseItem): string {
  return `${numbers.join('+')} ${name}`
}

function unmeasured(): Figure {
  const measured = new Set(databaseItems.flatMap(({ numbers }) => numbers))
  const all = Array.from({ length: promisesListed }, (_, index) => index + 1)
  const missing = all.filter((number) => !measured.has(number))
  const name = missing.length === 0 ? 'promises without an item' : `promises without an item (${missing.join(', ')})`
  return exactly(name, missing.length, 0)
}
