import * as z from 'zod'
import { errorCodes, type ErrorCode } from '../../errors/error-code.ts'
import { documentSchema } from './values.ts'

export const schemas = {
  error: z.strictObject({
    kind: z.literal('error'),
    version: z.literal(1),
    code: z.enum(Object.keys(errorCodes) as [ErrorCode]),
    message: z.string(),
    hint: z.string().nullable(),
    exitCode: z.int(),
  }),
  completion: documentSchema('completion', z.strictObject({ shell: z.string(), script: z.string() })),
  schema: documentSchema('schema', z.record(z.string(), z.unknown()).describe('A JSON Schema')),
  'schema.list': documentSchema('schema.list', z.array(z.strictObject({ kind: z.string() }))),
}
