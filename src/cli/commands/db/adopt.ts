import { anyTable } from '../../../doctor/table-use.ts'
import type { Command } from 'commander'
import type { ImportWish } from '../../../database/adoption/adopt.ts'
import type { TableImport } from '../../../database/adoption/import-tally.ts'
import type { SourceName } from '../../../database/adoption/source-table.ts'
import type { Reading } from '../../../database/migration/open-for-reading.ts'
import type { ExitName } from '../../../errors/exit-code.ts'
import { parseOptions, type CommandModule, type Invocation } from '../../command.ts'
import { adoptionData, adoptionText, type Adoption } from '../../render/adoption.ts'
import { plainLine } from '../../render/plain.ts'
import { withReading } from './reading.ts'

interface AdoptFlags {
  readonly fromSchema: string
  readonly skip: ReadonlySet<SourceName>
  readonly role?: string | undefined
  readonly lockTimeout?: number | undefined
}

export const command: CommandModule = {
  summary: 'take over what an earlier web application left in another schema of this Postgres database',
  example: 'orch db adopt --from-schema public --dry-run',
  tables: anyTable,
  declare: (command: Command) =>
    void command
      .option('--from-schema <name>', 'the schema that holds "ProviderConfig" and its like; it is only read')
      .option('--dry-run', 'show what would be created and imported, and write nothing')
      .option('--skip <table...>', 'leave these tables out, such as: --skip projects')
      .option('--role <name>', 'whom the script of rights is for (default: who asks)')
      .option('--lock-timeout <seconds>', 'how long to wait for another migrator (default: 30)'),
  run: async (invocation) => {
    const flags = await readFlags(invocation)
    return withReading(invocation.context, (reading) => adopt(invocation, reading, flags))
  },
}

async function readFlags({ options }: Invocation): Promise<AdoptFlags> {
  const z = await import('zod')
  const { sourceNamed, sourceTables } = await import('../../../database/adoption/source-table.ts')
  const known = Object.values(sourceTables).map(({ name }) => name)
  const schema = z.object({
    fromSchema: z.string('expected the schema of the other application').min(1, 'expected the name of a schema'),
    skip: z
      .array(z.string().refine((name) => sourceNamed(name) !== undefined, `expected ${known.join(', ')}`))
      .optional(),
    role: z.string().min(1, 'expected the name of a role').optional(),
    lockTimeout: z.coerce.number('expected seconds').min(0, 'expected seconds from 0').max(86_400).optional(),
  })
  const { skip = [], ...flags } = parseOptions(schema, options)
  return { ...flags, skip: new Set(skip.flatMap((name) => sourceNamed(name) ?? [])) }
}

/** Looks first; writes only where nothing is in the way. */
async function adopt(invocation: Invocation, { database, address }: Reading, flags: AdoptFlags): Promise<ExitName> {
  const { rehearseImport, refuseConflicts } = await import('../../../database/adoption/adopt.ts')
  const { conflictsIn } = await import('../../../database/adoption/inspection.ts')
  const { planAdoption } = await import('../../../database/adoption/plan-adoption.ts')
  const { migrations } = await import('../../../../migrations/index.ts')
  const dryRun = invocation.options['dryRun'] === true
  const wish = await importWish(invocation, flags)
  const plan = await planAdoption({ ...database, address }, migrations, wish)
  const { inspection } = plan
  const found: Adoption = { ...plan, address, dryRun, backup: null, report: null }
  if (conflictsIn(inspection).length > 0 || plan.problems.length > 0) {
    invocation.io.warn(
      'Nothing was adopted: what exists has another shape than orch can read',
      'orch never changes what exists; --skip <table> leaves a table of the other application out',
    )
    await report(invocation, { ...found, objects: [] }, flags)
    return 'migrationDrift'
  }
  if (!dryRun) {
    refuseConflicts(inspection)
    const done = await adoptNow(invocation, wish, flags)
    await report(invocation, { ...found, ...done }, flags)
    return 'done'
  }
  const mayRead = inspection.missingRights.length === 0
  await report(
    invocation,
    { ...found, report: mayRead ? await rehearseImport(database, inspection, wish) : null },
    flags,
  )
  return mayRead ? 'done' : 'database'
}

async function adoptNow(
  { context, io, signal }: Invocation,
  wish: ImportWish,
  flags: AdoptFlags,
): Promise<Pick<Adoption, 'objects' | 'backup' | 'report'>> {
  const { importSchema } = await import('../../../database/adoption/adopt.ts')
  const { database, steps, backup } = await context.migrate({
    ...lockTimeout(flags),
    signal,
    onStep: ({ name, outcome }) => io.progress(`${outcome}  ${name}`),
    onBackup: ({ path }) => io.progress(`saved    ${plainLine(path)}`),
  })
  const imported = await importSchema(database, wish)
  await context.databaseIsTrusted()
  const objects = steps.map(({ name, table, outcome }) => ({ name, table, outcome, creates: [] }))
  return { objects, backup: backup?.path ?? null, report: imported }
}

function lockTimeout({ lockTimeout: seconds }: AdoptFlags): { readonly lockTimeoutMs?: number } {
  return seconds === undefined ? {} : { lockTimeoutMs: seconds * 1000 }
}

async function importWish({ context, io, signal }: Invocation, flags: AdoptFlags): Promise<ImportWish> {
  const { vendorKnowledge } = await import('../../../models/vendor-knowledge.ts')
  return {
    fromSchema: flags.fromSchema,
    skip: flags.skip,
    knowledge: vendorKnowledge(),
    clock: context.clock,
    workspace: context.paths.projectDir,
    ...lockTimeout(flags),
    signal,
    onRows: ({ table, read }: TableImport) => io.progress(`${table}: ${read} rows`),
  }
}

/** Prints what was found and done, and what people do with the other tools. */
async function report({ io }: Invocation, adoption: Adoption, { role }: AdoptFlags): Promise<void> {
  const [{ grantScript }, { exclusionSnippets }, { migrations }] = await Promise.all([
    import('../../../database/adoption/grant-script.ts'),
    import('../../../database/adoption/exclusion-snippet.ts'),
    import('../../../../migrations/index.ts'),
  ])
  const ownTables = [...new Set(migrations.map(({ table }) => table)), 'orch_migrations']
  const advice = {
    grants: grantScript(adoption.inspection, role),
    exclusions: exclusionSnippets(adoption.inspection, ownTables),
  }
  io.result('db.adopt', adoptionData(adoption, advice), () => adoptionText(adoption, advice))
}
