/** Reads the structured part of a failed reply in the forms that vendors and local servers use. */

export interface ErrorBody {
  /** Machine-readable codes, most specific first: detail reasons, `code`, `type`, `status`. */
  readonly codes: readonly string[]
  /** A status that the body states: OpenRouter answers 200 with the real one inside. */
  readonly status: number | undefined
  /** The vendor's own sentence, for people only. Nothing is decided by it. */
  readonly message: string | undefined
  /** Google's RetryInfo, as protobuf duration text. */
  readonly retryDelay: string | undefined
  /** Google's QuotaFailure. */
  readonly quotas: readonly { readonly id: string; readonly value: string | undefined }[]
  /** OpenRouter's moderation verdict. */
  readonly flagged: boolean
}

type Fields = Readonly<Record<string, unknown>>

const nothing: ErrorBody = {
  codes: [],
  status: undefined,
  message: undefined,
  retryDelay: undefined,
  quotas: [],
  flagged: false,
}

/** What a body says. Anything that is no JSON, or has no error in it, says nothing. */
export function readErrorBody(text: string | undefined): ErrorBody {
  if (text === undefined || text === '') return nothing
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return nothing
  }
  // Gemini's streaming route wraps the error into an array.
  const outer = fields(Array.isArray(parsed) ? parsed[0] : parsed)
  return outer === null ? nothing : describe(outer)
}

function describe(outer: Fields): ErrorBody {
  // Ollama's native API says {"error": "text"}; Mistral and vLLM put the fields at the top.
  const inner = fields(outer['error']) ?? (isFlatError(outer) ? outer : {})
  const details = [...list(inner['details']), ...list(fields(inner['details']))]
  const quotas = details.flatMap((detail) => list(detail['violations']))
  const code = inner['code']
  const codes = [
    ...details.flatMap((detail) => texts(detail['reason'], detail['error_code'])),
    ...texts(code, inner['type'], inner['status']),
  ]
  return {
    codes,
    status: typeof code === 'number' && code >= 300 && code < 600 ? code : undefined,
    message: texts(inner['message'], outer['error'], outer['message'])[0],
    retryDelay: details.flatMap((detail) => texts(detail['retryDelay']))[0],
    quotas: quotas.flatMap(({ quotaId, quotaValue }) =>
      typeof quotaId === 'string' ? [{ id: quotaId, value: scalar(quotaValue) }] : [],
    ),
    flagged: list(fields(inner['metadata'])).some(({ reasons, flagged_input: input }) => reasons ?? input),
  }
}

function isFlatError(outer: Fields): boolean {
  return outer['object'] === 'error' || (typeof outer['message'] === 'string' && outer['choices'] === undefined)
}

function fields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

/** The objects of a list, or one object as a list. */
function list(value: unknown): readonly Fields[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  return items.map(fields).filter((item) => item !== null)
}

function texts(...values: readonly unknown[]): string[] {
  return values.filter((value): value is string => typeof value === 'string' && value !== '')
}

/** Google writes 64-bit numbers as text. */
function scalar(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
