/** The published shapes of everything orch prints with `--json`, and of the plan file. */
import * as z from 'zod'

type Shapes = Readonly<Record<string, z.ZodType>>

/** One file for each noun. */
const files: readonly (() => Promise<{ readonly schemas: Shapes }>)[] = [
  () => import('./schemas/program.ts'),
  () => import('./schemas/setup.ts'),
  () => import('./schemas/config.ts'),
  () => import('./schemas/models.ts'),
  () => import('./schemas/roles.ts'),
  () => import('./schemas/usage.ts'),
  () => import('./schemas/bench.ts'),
  () => import('./schemas/db.ts'),
  () => import('./schemas/project.ts'),
  () => import('./schemas/jobs.ts'),
  () => import('./schemas/providers.ts'),
]

/** Every `--json` kind with the shape of its document or event, by kind. */
export async function documentShapes(): Promise<ReadonlyMap<string, z.ZodType>> {
  const loaded = await Promise.all(files.map((load) => load()))
  return new Map(loaded.flatMap(({ schemas }) => Object.entries(schemas)).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The names `orch schema` knows. */
export async function schemaNames(): Promise<readonly string[]> {
  return ['plan', ...(await documentShapes()).keys()]
}

/**
 * The JSON Schema of a name, or undefined for an unknown one. It is open: a later version of orch may add
 * fields without changing `version`, so readers must ignore what they do not know.
 */
export async function jsonSchemaOf(name: string): Promise<Record<string, unknown> | undefined> {
  if (name === 'plan') {
    const { planFileSchema } = await import('../planning/plan-schema.ts')
    return planFileSchema()
  }
  const shape = (await documentShapes()).get(name)
  if (shape === undefined) return undefined
  const open = z.toJSONSchema(shape, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  })
  return { title: `orch ${name}, version 1`, ...open }
}
