/** Readers for the model lists that vendors serve. Entries stay as they came; unknown fields are kept. */
import type { ListedModel } from './provider.ts'
import type { ListRequest } from './vendor.ts'

/** More pages than any vendor has; a server that pages for ever must not keep us. */
const mostPages = 50

/** The named array of a reply, or an empty one. */
export function entriesOf(reply: unknown, field: string): readonly Readonly<Record<string, unknown>>[] {
  if (typeof reply !== 'object' || reply === null) return []
  const entries = (reply as Record<string, unknown>)[field]
  return Array.isArray(entries) ? entries.filter((entry) => typeof entry === 'object' && entry !== null) : []
}

/** Turns entries into listed models by the field that holds the id; entries without one are dropped. */
export function listedBy(field: string, entries: readonly Readonly<Record<string, unknown>>[]): ListedModel[] {
  return entries.flatMap((data) => {
    const modelId = data[field]
    return typeof modelId === 'string' && modelId !== '' ? [{ modelId, data }] : []
  })
}

/** `GET /models` as OpenAI serves it and most others copy it. */
export async function listOpenAiStyle(request: ListRequest): Promise<readonly ListedModel[]> {
  return listedBy('id', entriesOf(await request.fetchJson('/models'), 'data'))
}

/** Follows pages: `next` reads the path of the following page from a reply, or null at the end. */
export async function collectPages(
  request: ListRequest,
  firstPath: string,
  read: (reply: unknown) => { readonly models: readonly ListedModel[]; readonly next: string | null },
): Promise<readonly ListedModel[]> {
  const models: ListedModel[] = []
  let path: string | null = firstPath
  for (let page = 0; path !== null && page < mostPages; page += 1) {
    const { models: found, next } = read(await request.fetchJson(path))
    models.push(...found)
    path = next
  }
  return models
}
