/** Apart from its caller so that a call without a settings file does not load the parser. */
import { parseDocument } from 'yaml'

/** The values of a YAML text, or the first thing that is wrong with it. */
export function parseSettingsYaml(text: string): { readonly fault: string } | { readonly root: unknown } {
  const document = parseDocument(text, { prettyErrors: true })
  const [fault] = document.errors
  if (fault !== undefined) return { fault: fault.message.split('\n')[0] ?? 'not YAML' }
  return { root: document.toJS({ maxAliasCount: 20 }) as unknown }
}
