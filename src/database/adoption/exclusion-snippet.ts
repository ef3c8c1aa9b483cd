/**
 * What to write into the configuration of the tool that owns the other tables, so that it leaves orch's alone.
 * Prisma takes tables it does not know for drift and wants a reset (prisma/orm#8864); `tables.external` exists since
 * 6.13. Drizzle's push drops tables and schemas it does not know (drizzle-orm#3967, #5190) unless it is told
 * which schemas are its own.
 */
import type { Inspection } from './inspection.ts'

export interface ExclusionSnippet {
  readonly tool: 'Prisma' | 'Drizzle'
  /** Whether the tool's ledger is in the database. */
  readonly detected: boolean
  readonly file: string
  readonly text: string
}

/** The snippets of the detected tools; of both where neither is detected. */
export function exclusionSnippets(
  { ledgers, ownSchema, sourceSchema }: Pick<Inspection, 'ledgers' | 'ownSchema' | 'sourceSchema'>,
  ownTables: readonly string[],
): readonly ExclusionSnippet[] {
  const detected = new Set(ledgers.map(({ tool }) => tool))
  const all = [
    { tool: 'Prisma' as const, file: 'prisma.config.ts', text: prismaSnippet(ownSchema, ownTables) },
    { tool: 'Drizzle' as const, file: 'drizzle.config.ts', text: drizzleSnippet(ownSchema, sourceSchema) },
  ].map((snippet) => ({ ...snippet, detected: detected.has(snippet.tool) }))
  const found = all.filter((snippet) => snippet.detected)
  return found.length > 0 ? found : all
}

function prismaSnippet(ownSchema: string, ownTables: readonly string[]): string {
  const names = ownTables.map((name) => `      ${JSON.stringify(`${ownSchema}.${name}`)},`)
  return [
    'export default defineConfig({',
    `  // Keep ${JSON.stringify(ownSchema)} out of "schemas" in schema.prisma, too.`,
    '  experimental: { externalTables: true },',
    '  tables: {',
    '    external: [',
    ...names,
    '    ],',
    '  },',
    '})',
  ].join('\n')
}

function drizzleSnippet(ownSchema: string, sourceSchema: string): string {
  return [
    'export default defineConfig({',
    `  // Every schema that is yours, and never ${JSON.stringify(ownSchema)}.`,
    `  schemaFilter: [${JSON.stringify(sourceSchema)}],`,
    '})',
  ].join('\n')
}
