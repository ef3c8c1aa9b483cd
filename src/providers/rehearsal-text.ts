/** File names and contents of a rehearsal's deliverables. */

/** A path that a deliverable's glob matches: `docs/**` becomes `docs/rehearsal.md`. */
export function deliverablePath(glob: string): string {
  const path = glob
    .replaceAll('**/', '')
    .replaceAll('**', 'rehearsal.md')
    .replaceAll(/\{([^,}]*)[^}]*\}/g, '$1')
    .replaceAll('*', 'rehearsal')
    .replaceAll('?', 'x')
    .replaceAll(/\[([^\]])[^\]]*\]/g, '$1')
  return path.endsWith('/') ? `${path}rehearsal.md` : path
}

export interface DeliverableTextOptions {
  readonly path: string
  readonly key: string
  /** Text that a check expects in the file. */
  readonly contains: string
  readonly nowMs: number
}

/** Content that parses as what the file's name says it is, and says that it is a rehearsal. */
export function deliverableText({ path, key, contains, nowMs }: DeliverableTextOptions): string {
  // The time makes a second try change the file, as its evidence must show.
  const at = new Date(nowMs).toISOString()
  const notice = `REHEARSAL: a simulated model wrote this for the job "${key}" at ${at}. Nothing here is real work.`
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  if (extension === 'json') return `${JSON.stringify({ rehearsal: true, notice, contains }, null, 2)}\n`
  const [open, close] = comments[extension] ?? ['', '']
  return `${open}${notice}${close}\n${contains === '' ? '' : `${contains}\n`}`
}

const slashes = ['// ', ''] as const
const hash = ['# ', ''] as const
const angle = ['<!-- ', ' -->'] as const

const comments: Readonly<Record<string, readonly [string, string]>> = {
  js: slashes,
  mjs: slashes,
  cjs: slashes,
  ts: slashes,
  tsx: slashes,
  jsx: slashes,
  go: slashes,
  rs: slashes,
  java: slashes,
  c: slashes,
  cpp: slashes,
  h: slashes,
  py: hash,
  sh: hash,
  rb: hash,
  yaml: hash,
  yml: hash,
  toml: hash,
  html: angle,
  xml: angle,
  svg: angle,
  css: ['/* ', ' */'],
  sql: ['-- ', ''],
}
