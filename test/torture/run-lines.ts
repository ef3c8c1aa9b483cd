/** Runs lines one after the other, each on every engine it knows, and prints what they saw. */
import { table } from '../../src/cli/render/table.ts'
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts'
import { calibrate } from './calibrate.ts'
import { childProcesses, killChildren } from './children.ts'
import { thrown, type Engine, type Figure, type Size, type TortureLine } from './line.ts'
import { inScene } from './scene.ts'

export interface RunLinesOptions {
  readonly size: Size
  readonly seed: number
  readonly print: (text: string) => void
}

/** A line that takes longer is broken, and the next one starts. */
const longestMs: Readonly<Record<Size, number>> = { short: 60_000, normal: 8 * 60_000, full: 120 * 60_000 }

/** Resolves with whether every figure of every line was within its bound. Never throws for a line's sake. */
export async function runLines(lines: readonly TortureLine[], options: RunLinesOptions): Promise<boolean> {
  const { print, seed, size } = options
  print(`size ${size}, seed ${seed} (ORCH_TORTURE_SEED)\n`)
  const { nodeStartMs, fsyncMs } = calibrate()
  const fsync = `p50 ${ms(fsyncMs.p50)}, p99 ${ms(fsyncMs.p99)}, max ${ms(fsyncMs.max)}`
  print(`calibration: node -e 0 median ${ms(nodeStartMs)}; write + fsync ${fsync}\n`)
  const needsServer = lines.some((line) => enginesOf(line).includes('Postgres'))
  const server = needsServer ? await startPostgres() : null
  const broken: string[] = []
  try {
    for (const line of lines) {
      print(`\n${line.name}: ${line.promise}\n`)
      for (const engine of enginesOf(line)) {
        if (!(await runOnEngine(line, { ...options, engine, server }))) broken.push(`${line.name} on ${engine}`)
      }
    }
  } finally {
    await server?.stop()
  }
  print(broken.length === 0 ? '\nevery promise held\n' : `\nBROKEN: ${broken.join(', ')}\n`)
  return broken.length === 0
}

function enginesOf({ engines = ['SQLite', 'Postgres'] }: TortureLine): readonly Engine[] {
  return engines
}

interface OnEngine extends RunLinesOptions {
  readonly engine: Engine
  readonly server: PostgresServer | null
}

async function runOnEngine(line: TortureLine, { size, seed, print, engine, server }: OnEngine): Promise<boolean> {
  const begin = performance.now()
  const given = engine === 'Postgres' ? server : null
  const before = childProcesses()
  const run = inScene({ engine, seed, server: given, report: print }, (scene) => inTime(line.run(scene, size), size))
  const figures = [...(await run.catch((error: unknown) => thrown(error, print))), ...leftBehind(before)]
  const rows = figures.map(({ name, value, bound, pass }) => [line.name, engine, name, value, bound, verdict(pass)])
  print(`${table(['line', 'engine', 'figure', 'value', 'bound', 'pass'], rows)}\n`)
  print(`${line.name} on ${engine}: ${((performance.now() - begin) / 1000).toFixed(1)} s\n`)
  return figures.every(({ pass }) => pass)
}

function verdict(pass: boolean): string {
  return pass ? 'yes' : 'NO'
}

/** Processes that a line forgot would disturb the next one. */
function leftBehind(before: readonly number[]): readonly Figure[] {
  const left = killChildren(before)
  return left === 0 ? [] : [{ name: 'children left behind', value: left, bound: '0', pass: false }]
}

async function inTime<T>(work: Promise<T>, size: Size): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const limitMs = longestMs[size]
    timer = setTimeout(() => reject(new Error(`not over after ${limitMs / 1000} s`)), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`
}
