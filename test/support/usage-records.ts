import type { UsageRecord } from '../../src/database/repositories/usage-repository.ts'

let made = 0

/** A measured call of one cent; ids are unique. */
export function aUsage(overrides: Partial<UsageRecord> = {}): UsageRecord {
  return {
    id: `usage-${(made += 1)}`,
    projectId: 'project-a',
    jobId: null,
    errandId: null,
    attempt: null,
    role: 'engineer',
    providerId: 'openai',
    modelId: 'gpt-5',
    purpose: 'job',
    inputTokens: 1000,
    cachedInputTokens: null,
    cacheWriteTokens: null,
    outputTokens: 100,
    reasoningTokens: null,
    costMicroUsd: 10_000,
    boundMicroUsd: null,
    source: 'measured',
    priceSource: 'genai-prices',
    priceVersion: '0.1.8',
    latencyMs: 5,
    outcome: 'ok',
    errorClass: null,
    createdAt: Date.UTC(2026, 10, 2, 9),
    ...overrides,
  }
}
