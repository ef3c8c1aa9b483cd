/**
 * The second look at a statement: at its text, as it will be sent. The allow list of nodes decides what may run;
 * this holds the compiler and the declared pieces of raw SQL to it, so that a text which breaks out of its place,
 * hides a second statement or controls a transaction is refused whatever node it came from.
 */

export interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'symbol'
  /** Words in lower case, quoted names without their quotes, everything else as it is written. */
  readonly text: string
}

/**
 * What a token looks like. Whatever is not listed cannot be read and is refused: semicolons, comments, dollar
 * quotes, parameters, backslashes (which mean different things under different settings), brackets.
 */
const patterns: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['word', /[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*/iy],
  ['quoted', /"(?:[^"\0]|"")+"/y],
  ['text', /'(?:[^'\\\0]|'')*'/y],
  ['number', /\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![a-z_\d])/iy],
  ['symbol', /::|<=|>=|<>|!=|\|\||->>|->|-(?!-)|\/(?!\*)|[(),.=<>+*%]/y],
]

/**
 * Words that no addition needs after its head: they begin another clause, subcommand or statement. Names that orch
 * writes are quoted and never meet this list.
 */
const forbidden = new Set(
  [
    ['alter', 'attach', 'cascade', 'cluster', 'commit', 'copy', 'create', 'delete', 'detach', 'disable', 'drop'],
    ['enable', 'execute', 'grant', 'inherit', 'inherits', 'insert', 'merge', 'owner', 'references', 'reindex'],
    ['rename', 'returning', 'revoke', 'rollback', 'savepoint', 'select', 'temp', 'temporary', 'truncate', 'unlogged'],
    ['update', 'vacuum', 'validate'],
  ].flat(),
)

/** The tokens of a text, or null where it cannot be read. */
export function tokensOf(sql: string): readonly Token[] | null {
  const tokens: Token[] = []
  let touching = false
  for (let at = 0; at < sql.length;) {
    const found = tokenAt(sql, at)
    if (found === null) return null
    const { kind, text } = found
    // A prefix, as in e'...' or u&"...", gives the quotes another meaning.
    if ((kind === 'text' || kind === 'quoted') && touching) return null
    if (kind !== 'space') tokens.push({ kind, text: plainText(kind, text) })
    touching = kind === 'word' || kind === 'number' || kind === 'text' || kind === 'quoted'
    at += text.length
  }
  return tokens
}

function tokenAt(sql: string, at: number) {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at
    const text = pattern.exec(sql)?.[0]
    if (text !== undefined) return { kind, text }
  }
  return null
}

function plainText(kind: Token['kind'], text: string): string {
  if (kind === 'word') return text.toLowerCase()
  return kind === 'quoted' ? text.slice(1, -1).replaceAll('""', '"') : text
}

/** Why a piece of a statement may not stand where it stands, or null when it may: it must be whole and only compute. */
export function fragmentRefusal(sql: string): string | null {
  const tokens = tokensOf(sql)
  return tokens === null ? unreadable : tokensRefusal(tokens)
}

/** What a statement's text may be about. */
export interface TextScope {
  readonly table: string
  readonly schema: string | null
}

/** Why the text of a whole statement may not be sent, or null when it may. */
export function statementRefusal(sql: string, scope: TextScope): string | null {
  const tokens = tokensOf(sql)
  if (tokens === null) return unreadable
  const rest = afterHead(tokens, scope)
  if (rest === null) return `its text is not one addition to ${scope.table}`
  return tokensRefusal(rest)
}

/** `create index <name> on <table> ...` in words of its own: the one whole statement that may be raw. */
export function rawIndexOf(sql: string): { readonly name: string; readonly unique: boolean } | null {
  const tokens = tokensOf(sql)
  if (tokens === null) return null
  const [create, second, third] = tokens.map(({ text }) => text)
  const unique = second === 'unique'
  const name = unique ? tokens[3] : tokens[2]
  if (create !== 'create' || (unique ? third : second) !== 'index' || name === undefined) return null
  return name.kind === 'quoted' || name.kind === 'word' ? { name: name.text, unique } : null
}

const unreadable = 'its text holds a comment, a semicolon, a parameter or a quote that cannot be read for certain'

function tokensRefusal(tokens: readonly Token[]): string | null {
  let depth = 0
  for (const { kind, text } of tokens) {
    if (kind === 'word' && forbidden.has(text)) return `"${text}" is not allowed in its text`
    if (kind !== 'symbol') continue
    depth += text === '(' ? 1 : text === ')' ? -1 : 0
    if (depth < 0) return 'it closes a parenthesis that it did not open'
    // What follows would be a second subcommand of `alter table`.
    if (depth === 0 && text === ',') return 'its text has a second part'
  }
  return depth === 0 ? null : 'it leaves a parenthesis open'
}

/** The heads that an addition can have, with `@` for the migration's table and `*` for any name. */
const heads = [
  'create table @ (',
  'create index * on @',
  'create unique index * on @',
  'create index concurrently * on @',
  'alter table @ add column *',
  'insert into @ (',
].map((head) => head.split(' '))

/** What follows the head, or null when the text has none. */
function afterHead(tokens: readonly Token[], scope: TextScope): readonly Token[] | null {
  for (const head of heads) {
    const length = headLength(tokens, head, scope)
    if (length === null) continue
    // The parenthesis belongs to what follows.
    const rest = tokens.slice(head.at(-1) === '(' ? length - 1 : length)
    return head[0] === 'insert' ? asOneRow(rest) : rest
  }
  return null
}

function headLength(tokens: readonly Token[], head: readonly string[], scope: TextScope): number | null {
  let at = 0
  for (const part of head) {
    const taken = part === '@' ? tableLength(tokens.slice(at), scope) : isPart(tokens[at], part) ? 1 : 0
    if (taken === 0) return null
    at += taken
  }
  return at
}

function isPart(token: Token | undefined, part: string): boolean {
  if (token === undefined) return false
  if (part === '*') return token.kind === 'quoted' || (token.kind === 'word' && token.text !== 'if')
  return token.text === part && (token.kind === 'word' || token.kind === 'symbol')
}

/** How many tokens name the table: one, or three with its schema; 0 when they name another. */
function tableLength(tokens: readonly Token[], { table, schema }: TextScope): number {
  const [first, dot, last] = tokens
  if (dot?.text !== '.') return isName(first, table) ? 1 : 0
  return schema !== null && isName(first, schema) && isName(last, table) ? 3 : 0
}

function isName(token: Token | undefined, name: string): boolean {
  return token?.text === name && (token.kind === 'quoted' || token.kind === 'word')
}

/** The rows of an insert stand side by side, which is the one comma outside parentheses that an addition may have. */
function asOneRow(tokens: readonly Token[]): readonly Token[] {
  let depth = 0
  return tokens.filter(({ kind, text }) => {
    if (kind !== 'symbol') return true
    depth += text === '(' ? 1 : text === ')' ? -1 : 0
    return !(depth === 0 && text === ',')
  })
}
