import type { Provider } from './provider.ts'

/** How the simulated model behaves. */
export interface RehearsalSettings {
  readonly seed: number
  /** Constant time of a call. */
  readonly latencyMs: number
  /** Share of calls that fail with class `server`, 0 to 1. */
  readonly failureRate: number
}

export const rehearsalModelId = 'simulated'
const defaults: RehearsalSettings = { seed: 1, latencyMs: 0, failureRate: 0 }

/** The settings as an address, which is where a stored provider keeps them. */
export function rehearsalAddress(settings: Partial<RehearsalSettings> = {}): string {
  const { seed, latencyMs, failureRate } = { ...defaults, ...settings }
  return `rehearsal:?seed=${seed}&latency-ms=${latencyMs}&failure-rate=${failureRate}`
}

/** Reads an address; what is missing or no number has its default. */
export function rehearsalSettings(address: string): RehearsalSettings {
  const query = new URLSearchParams(address.split('?')[1] ?? '')
  const read = (name: string, fallback: number) => {
    const value = Number(query.get(name) ?? Number.NaN)
    return Number.isFinite(value) && value >= 0 ? value : fallback
  }
  return {
    seed: read('seed', defaults.seed),
    latencyMs: read('latency-ms', defaults.latencyMs),
    failureRate: Math.min(1, read('failure-rate', defaults.failureRate)),
  }
}

/** The provider whose model is simulated. `orch jobs run --rehearse` builds one with its flags. */
export function rehearsalProvider(settings: Partial<RehearsalSettings> = {}): Provider {
  return {
    id: 'rehearsal',
    label: 'Rehearsal (simulated model)',
    kind: 'rehearsal',
    baseUrl: rehearsalAddress(settings),
    credential: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrency: null,
    enabled: true,
    origin: 'built-in',
    local: true,
  }
}
