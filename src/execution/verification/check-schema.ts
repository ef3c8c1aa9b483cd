import type { Evidence } from '../../domain/job.ts'
import { compileJsonSchema } from '../../domain/json-schema.ts'
import type { Check } from '../../domain/plan.ts'
import { errorMessage } from '../../errors/orch-error.ts'
import type { Workspace } from '../../workspace/workspace.ts'

/** A file, or the reply, is JSON of a schema. */
export async function checkSchema(
  workspace: Workspace,
  check: Extract<Check, { check: 'schema' }>,
  reply: string | null,
): Promise<Evidence> {
  const subject = check.path ?? 'the reply'
  const fault = await faultOf(workspace, check, reply).catch(errorMessage)
  const found = fault === null ? `${subject} fits the schema` : `${subject}: ${fault}`
  return { id: check.id, check: 'schema', passed: fault === null, found }
}

async function faultOf(
  workspace: Workspace,
  { path, schema }: Extract<Check, { check: 'schema' }>,
  reply: string | null,
): Promise<string | null> {
  const compiled = compileJsonSchema(schema)
  if ('fault' in compiled) return `this version cannot check the schema: ${compiled.fault}`
  const text = path === null ? reply : (await workspace.readBytes(path)).toString('utf8')
  if (text === null) return 'there is none'
  const parsed = parse(path === null ? withoutFence(text) : text)
  if ('fault' in parsed) return parsed.fault
  const faults = compiled.check(parsed.value)
  return faults.length === 0 ? null : faults.join('; ')
}

function parse(text: string): { readonly value: unknown } | { readonly fault: string } {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { fault: `not JSON (${errorMessage(error)})` }
  }
}

/** A reply that is one fenced block is meant as its content. */
function withoutFence(text: string): string {
  return /^\s*```[^\n`]*\n([\s\S]*?)\n?```\s*$/.exec(text)?.[1] ?? text
}
