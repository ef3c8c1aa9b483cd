import { anyTable } from '../../doctor/table-use.ts'
import type { ChalkInstance } from 'chalk'
import type { Finding } from '../../doctor/finding.ts'
import { errorCodes } from '../../errors/error-code.ts'
import type { ExitName } from '../../errors/exit-code.ts'
import type { CommandModule } from '../command.ts'
import { plainLine } from '../render/plain.ts'

export const command: CommandModule = {
  summary: 'what works, what is off, where each setting comes from, and the next command',
  example: 'orch doctor',
  tables: anyTable,
  declare: (command) =>
    void command.option(
      '--prove',
      'run and kill orch 10 times in a scratch area beside the database; takes half a minute',
    ),
  run: async (invocation) => {
    const { context, io, options } = invocation
    if (options['prove'] === true) return (await import('./doctor-prove.ts')).proveAndReport(invocation)
    const { inspectInstallation } = await import('../../doctor/inspect-installation.ts')
    const findings = await inspectInstallation({
      ...context,
      nodeVersion: process.versions.node,
      platform: process.platform,
      now: () => context.clock.now(),
    })
    const settings = await readSettings(context)
    const next = nextOf(findings)
    io.result('doctor', { findings, settings, next }, () => report({ findings, settings, next }, io.colors))
    return exitOf(findings)
  },
}

interface Report {
  readonly findings: readonly Finding[]
  readonly settings: readonly { readonly key: string; readonly value: unknown; readonly source: string }[]
  readonly next: string | null
}

async function readSettings(context: Parameters<CommandModule['run']>[0]['context']): Promise<Report['settings']> {
  try {
    return (await context.settings()).all()
  } catch {
    // The finding of the section `configuration` says what is wrong with them.
    return []
  }
}

/** The first thing to do: what is broken, then what is off. */
function nextOf(findings: readonly Finding[]): string | null {
  const open = ['broken', 'off'].flatMap((state) => findings.filter((one) => one.state === state && one.next !== null))
  return open[0]?.next ?? null
}

function exitOf(findings: readonly Finding[]): ExitName {
  const code = findings.find((finding) => finding.code !== null)?.code ?? null
  return code === null ? 'done' : errorCodes[code].exit
}

function report({ findings, settings, next }: Report, colors: ChalkInstance): string {
  const paint = { ok: colors.green, off: colors.yellow, broken: colors.red }
  const lines: string[] = []
  for (const [index, { section, state, text, next: act }] of findings.entries()) {
    if (section !== findings[index - 1]?.section) lines.push(colors.bold(section))
    const remedy = act === null || state === 'ok' ? '' : colors.dim(`  -> ${plainLine(act)}`)
    lines.push(`  ${paint[state](state.padEnd(7))}${plainLine(text)}${remedy}`)
  }
  const changed = settings.filter(({ source }) => source !== 'default')
  for (const { key, value, source } of changed) lines.push(`  ${key} = ${plainLine(String(value))}  (${source})`)
  lines.push('', next === null ? 'Everything works.' : `Next: ${plainLine(next)}`)
  return lines.join('\n')
}
