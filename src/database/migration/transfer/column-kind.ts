/** What a column of the target can hold, whatever it is called there. */
export type ColumnKind =
  | { readonly kind: 'text'; readonly mostCharacters: number | null }
  /** Text that orch itself reads as JSON, and lets the engine read as JSON. Kept character by character. */
  | { readonly kind: 'json text' }
  | { readonly kind: 'integer'; readonly bits: 16 | 32 | 64 }
  | { readonly kind: 'real'; readonly bytes: 4 | 8 }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'blob' }
  /** A JSON type of the engine, which keeps the value and not its spelling. */
  | { readonly kind: 'json' }
  /** A moment, kept to the microsecond. */
  | { readonly kind: 'timestamp' }

const kinds: readonly (readonly [pattern: RegExp, kind: ColumnKind])[] = [
  [/^text$/, { kind: 'text', mostCharacters: null }],
  [/^(int2|smallint)$/, { kind: 'integer', bits: 16 }],
  [/^(int4|integer)$/, { kind: 'integer', bits: 32 }],
  [/^(int8|bigint)$/, { kind: 'integer', bits: 64 }],
  [/^(float4|real)$/, { kind: 'real', bytes: 4 }],
  [/^(float8|double precision)$/, { kind: 'real', bytes: 8 }],
  [/^boolean$/, { kind: 'boolean' }],
  [/^(bytea|blob)$/, { kind: 'blob' }],
  [/^jsonb?$/, { kind: 'json' }],
  [/^(timestamptz|timestamp with time zone)$/, { kind: 'timestamp' }],
]

/** The kind of a type as a catalog spells it; null for one that no transfer is exact for. */
export function columnKind(type: string): ColumnKind | null {
  const limited = /^(?:varchar|character varying)(?:\((\d+)\))?$/.exec(type)
  if (limited !== null) return { kind: 'text', mostCharacters: limited[1] === undefined ? null : Number(limited[1]) }
  return kinds.find(([pattern]) => pattern.test(type))?.[1] ?? null
}
