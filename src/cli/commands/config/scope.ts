import type { Command } from 'commander'
import { resolve } from 'node:path'
import type { SettingPlaces, SettingScope } from '../../../config/change-setting.ts'
import { OrchError } from '../../../errors/orch-error.ts'
import type { Invocation } from '../../command.ts'

/** Declares the three places a setting can be kept in. */
export function declareScope(command: Command): void {
  command
    .option('--project', "in the project's .orch/config.yaml (the usual place)")
    .option('--user', "in the user's own configuration, for every project")
    .option(
      '--shared',
      'in the database, for everybody who shares it (the usual place of limits.jobs, .roles and .models)',
    )
}

/** The one scope the flags name. Throws ORCH_USAGE for more than one. */
export function chosenScope(options: Readonly<Record<string, unknown>>, fallback: SettingScope): SettingScope {
  const chosen = (['project', 'user', 'shared'] as const).filter((scope) => options[scope] === true)
  if (chosen.length <= 1) return chosen[0] ?? fallback
  throw new OrchError(
    'ORCH_USAGE',
    `A setting has one place, found ${chosen.map((scope) => `--${scope}`).join(' and ')}`,
    {
      hint: 'Give one of --project, --user and --shared',
    },
  )
}

/** What a change of settings needs of the context. */
export function settingPlaces({ context, globals }: Pick<Invocation, 'context' | 'globals'>): SettingPlaces {
  const { paths, clock, database, tables, databaseIsTrusted } = context
  const projectFile = globals.config === undefined ? {} : { projectFile: resolve(context.cwd, globals.config) }
  return { paths, clock, database, tables, databaseIsTrusted, ...projectFile }
}

/** A value as one line of text. */
export function settingText(value: string | number | readonly string[] | null): string {
  if (value === null) return '-'
  return Array.isArray(value) ? value.join('  ') || '-' : String(value)
}
