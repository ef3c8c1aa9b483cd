import type { ModelNeed } from '../domain/plan.ts'

/** What is known of a line of models by its name. */
export interface ModelFamily {
  readonly pattern: RegExp
  /** 0 to 100: a coarse rank of how well it does hard work. orch's own judgement, for choosing only. */
  readonly quality: number
  /** 0 to 100: a coarse rank of how fast it answers. */
  readonly speed: number
  readonly offers: readonly ModelNeed[]
  /** As its vendor serves it; open weights served elsewhere may have less. */
  readonly contextTokens?: number
  readonly maxOutputTokens?: number
}

const all = ['tools', 'structured_output', 'vision', 'reasoning'] as const
const noVision = ['tools', 'structured_output', 'reasoning'] as const
const noReasoning = ['tools', 'structured_output', 'vision'] as const
const basic = ['tools', 'structured_output'] as const

/** Compact rows: pattern, quality, speed, offers, context, output. */
type Row = readonly [RegExp, number, number, readonly ModelNeed[], number?, number?]

/** Vendors' model pages, read in autumn 2026. The first pattern that fits wins, so narrow ones come first. */
const rows: readonly Row[] = [
  [/^gpt-5[\w.]*-chat/, 80, 65, noReasoning, 128_000, 16_384],
  [/^gpt-5.*nano/, 55, 95, all, 400_000, 128_000],
  [/^gpt-5.*mini/, 75, 80, all, 400_000, 128_000],
  [/^gpt-5/, 92, 50, all, 400_000, 128_000],
  [/^gpt-4\.1-nano/, 50, 95, noReasoning, 1_047_576, 32_768],
  [/^gpt-4\.1-mini/, 66, 85, noReasoning, 1_047_576, 32_768],
  [/^gpt-4\.1/, 78, 65, noReasoning, 1_047_576, 32_768],
  [/^gpt-4o-mini/, 58, 85, noReasoning, 128_000, 16_384],
  [/^(gpt-4o|chatgpt-4o)/, 74, 70, noReasoning, 128_000, 16_384],
  [/^gpt-4-turbo/, 66, 60, ['tools', 'vision'], 128_000, 4_096],
  [/^gpt-4/, 60, 40, ['tools'], 8_192, 8_192],
  [/^gpt-3\.5/, 35, 85, ['tools'], 16_385, 4_096],
  [/^o4-mini/, 78, 60, all, 200_000, 100_000],
  [/^o3-mini/, 74, 60, noVision, 200_000, 100_000],
  [/^o3/, 88, 40, all, 200_000, 100_000],
  [/^o1-(mini|preview)/, 66, 40, ['reasoning'], 128_000, 65_536],
  [/^o1/, 84, 30, all, 200_000, 100_000],
  [/^gpt-oss.*120b/, 68, 70, noVision, 131_072],
  [/^gpt-oss/, 56, 80, noVision, 131_072],
  [/^claude-3-haiku/, 45, 85, noReasoning, 200_000, 4_096],
  [/^claude-3-(opus|sonnet)/, 66, 40, noReasoning, 200_000, 4_096],
  [/^claude-3-5-haiku/, 62, 80, noReasoning, 200_000, 8_192],
  [/^claude-3-5/, 80, 60, noReasoning, 200_000, 8_192],
  [/^claude-3-7/, 84, 55, all, 200_000, 64_000],
  [/^claude.*haiku/, 77, 85, all, 200_000, 64_000],
  [/^claude.*sonnet/, 90, 60, all, 200_000, 64_000],
  [/^claude-opus-4-(0|1|2025)/, 91, 35, all, 200_000, 32_000],
  [/^claude/, 95, 40, all, 200_000, 32_000],
  [/^gemini-1\.5/, 60, 75, noReasoning, 1_000_000, 8_192],
  [/^gemini-2\.0-flash-lite/, 52, 95, noReasoning, 1_048_576, 8_192],
  [/^gemini-2\.0/, 64, 90, noReasoning, 1_048_576, 8_192],
  [/^gemini.*flash-lite/, 62, 95, all, 1_048_576, 65_536],
  [/^gemini-2\.5-flash/, 76, 85, all, 1_048_576, 65_536],
  [/^gemini.*flash/, 82, 80, all, 1_048_576, 65_536],
  [/^gemini-2\.5-pro/, 88, 50, all, 1_048_576, 65_536],
  [/^gemini/, 90, 50, all, 1_048_576, 65_536],
  [/^(mistral|pixtral)-large/, 78, 55, noReasoning, 131_072],
  [/^mistral-medium/, 77, 65, noReasoning, 131_072],
  [/^magistral/, 72, 55, noVision, 40_000],
  [/^(codestral|devstral)/, 66, 75, basic, 131_072],
  [/^mistral-small/, 62, 80, noReasoning, 131_072],
  [/^ministral/, 44, 90, basic, 131_072],
  [/^(open-)?(mistral|mixtral)/, 42, 75, basic, 32_768],
  [/^grok.*(mini|fast)/, 76, 80, noVision, 131_072],
  [/^grok-4/, 88, 45, all, 256_000],
  [/^grok/, 78, 55, basic, 131_072],
  [/^deepseek-(reasoner|r1)/, 82, 35, noVision, 64_000],
  [/^deepseek/, 80, 55, basic, 64_000],
  [/^kimi-k2/, 82, 55, basic, 131_072],
  [/^glm-[4-9]/, 79, 55, noVision, 131_072],
  [/^qwen3/, 66, 60, noVision, 32_768],
  [/^(qwen2\.5-vl|llama3\.2-vision)/, 52, 60, ['vision'], 32_768],
  [/^(qwen|qwq)/, 58, 60, basic, 32_768],
  [/^llama-?4/, 66, 70, noReasoning, 131_072],
  [/^llama-?3/, 56, 65, basic, 131_072],
  [/^(llama-?2|codellama|vicuna|tinyllama)/, 22, 60, [], 4_096],
  [/^command-(r|a)/, 58, 60, basic, 128_000],
  [/^(hermes|granite|nemotron|smollm2|phi-?4-mini)/, 46, 70, basic],
  [/^(gemma-?3|phi-?4)/, 52, 65, ['structured_output'], 8_192],
  [/^(gemma|phi)/, 34, 70, [], 8_192],
]

const families: readonly ModelFamily[] = rows.map(([pattern, quality, speed, offers, context, output]) => ({
  pattern,
  quality,
  speed,
  offers,
  ...(context !== undefined && { contextTokens: context }),
  ...(output !== undefined && { maxOutputTokens: output }),
}))

/** The bare name: `openai/gpt-5:free`, `models/gpt-5` and `GPT-5` are all `gpt-5`. */
export function bareModelName(modelId: string): string {
  return (
    modelId
      .split('/')
      .at(-1)
      ?.replace(/:(free|nitro|latest|exacto)$/, '')
      .toLowerCase() ?? ''
  )
}

/** The family a model's name belongs to, or undefined for a name nobody knows. */
export function modelFamily(modelId: string): ModelFamily | undefined {
  if (knownFamilies.has(modelId)) return knownFamilies.get(modelId)
  const name = bareModelName(modelId)
  const family = families.find(({ pattern }) => pattern.test(name))
  knownFamilies.set(modelId, family)
  return family
}

/** Every model is ranked for every call; there are as many entries as models. */
const knownFamilies = new Map<string, ModelFamily | undefined>()

/** Billions of parameters named in the id or in text such as Ollama's `8.0B`, or null. */
export function parametersInBillions(text: string): number | null {
  const found = /(?:^|[^a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)\s?(b|m)(?![a-z0-9])/i.exec(text)
  if (found === null) return null
  const count = Number(found[2]) * Number(found[1] ?? 1)
  return found[3]?.toLowerCase() === 'm' ? count / 1000 : count
}

export interface Standing {
  readonly quality: number
  readonly speed: number
  /** How the numbers were found, for `models pick --explain`. */
  readonly basis: 'family' | 'size' | 'unknown'
}

/** orch's coarse judgement of a model: by size where the name or the provider states it, else by family. */
export function modelStanding(modelId: string, statedSize: string | undefined): Standing {
  const family = modelFamily(modelId)
  const billions = parametersInBillions(statedSize ?? '') ?? parametersInBillions(modelId)
  if (billions !== null && billions > 0) {
    // Doubling the parameters is worth 9 points of quality and costs 8 of speed; a modern line adds a little.
    const doublings = Math.log2(billions)
    const lift = ((family?.quality ?? 50) - 50) / 4
    return {
      quality: clamp(18 + 9 * doublings + lift, 5, 82),
      speed: clamp(88 - 8 * doublings, 10, 95),
      basis: 'size',
    }
  }
  if (family !== undefined) return { quality: family.quality, speed: family.speed, basis: 'family' }
  return { quality: 40, speed: 50, basis: 'unknown' }
}

function clamp(value: number, low: number, high: number): number {
  return Math.round(Math.min(high, Math.max(low, value)))
}

const notText =
  /embed|whisper|[-_]tts|^tts|dall-e|image|imagen|^veo|sora|moderation|rerank|realtime|[-_]audio|transcribe|guard|^bge|^e5-|^gte-|clip|diffusion|^flux|^aqa$|^(davinci|babbage|text|ada|curie)-|-instruct-\d{4}|-live|speech|ocr|voxtral|lyria|robotics/
/** Models of OpenAI that only its Responses API serves; orch speaks chat completions. */
const responsesOnly = /^(o\d.*-pro|gpt-5.*-pro|.*codex|.*deep-research|computer-use)/

/** Why a model cannot hold a text conversation with orch, judged by its name; null when nothing speaks against it. */
export function notConversational(kind: string, modelId: string): string | null {
  const name = bareModelName(modelId)
  if (notText.test(name)) return 'it is no text model'
  if (kind === 'openai' && responsesOnly.test(name)) return 'it is served by the Responses API only'
  return null
}
