/**
 * Keeps keys out of every sink. Two nets: the values this process has read (`rememberSecret`), in the
 * forms in which they leak, and the shapes that vendors give their keys.
 */
const mask = '[redacted]'
/** Shorter values would blank out ordinary words. */
const shortestSecret = 6
const known = new Set<string>()

/** Registers a value that `redact` must remove from now on. Call it whenever a key is read. */
export function rememberSecret(secret: string): void {
  if (secret.length >= shortestSecret) known.add(secret)
}

const secretVariable = /(_API_KEY|_TOKEN|_SECRET|_PASSWORD|_ACCESS_KEY)$/

/** Registers every environment value whose name says that it is a secret. */
export function rememberEnvironmentSecrets(env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && secretVariable.test(name)) rememberSecret(value)
  }
}

/** Key shapes: OpenAI, Anthropic, OpenRouter, Google, Groq, GitHub, Slack, Hugging Face, AWS, xAI, JWT. */
const shapes: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{8,}/g,
  /\bAIza[A-Za-z0-9_-]{20,}/g,
  /\b(?:gsk|xai|hf|ghp|gho|ghs|ghu|github_pat)_[A-Za-z0-9_]{16,}/g,
  /\bxai-[A-Za-z0-9]{16,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[A-Z0-9]{16}\b/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
]
const bearer = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi
const passwordInUrl = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi
const keyInQuery = /([?&](?:key|api_key|apikey|access_token|token)=)[^&\s"']+/gi

/** The text without any known secret or anything shaped like a key. `secrets` are added to the known ones. */
export function redact(text: string, secrets: Iterable<string> = []): string {
  let clean = text
  for (const secret of longestFirst([...known, ...secrets])) {
    for (const form of formsOf(secret)) clean = clean.replaceAll(form, mask)
  }
  for (const shape of shapes) clean = clean.replace(shape, mask)
  return clean.replace(bearer, `$1 ${mask}`).replace(passwordInUrl, `$1:${mask}@`).replace(keyInQuery, `$1${mask}`)
}

/** Longest first, so that a secret that contains another leaves no tail behind. */
function longestFirst(secrets: readonly string[]): string[] {
  return secrets.filter((secret) => secret.length >= shortestSecret).toSorted((a, b) => b.length - a.length)
}

/** As typed, as URL component, inside JSON, and as base64. */
function formsOf(secret: string): Set<string> {
  const base64 = Buffer.from(secret).toString('base64')
  const inJson = JSON.stringify(secret).slice(1, -1)
  return new Set([secret, encodeURIComponent(secret), inJson, base64, base64.replace(/=+$/, '')])
}
