import type { MicroUsd } from '../../domain/money.ts'

/** Money as `--json` prints it. */
export interface JsonMoney {
  readonly microUsd: MicroUsd
}

/** Epoch milliseconds as ISO 8601 in UTC; null stays null. */
export function iso(ms: number): string
export function iso(ms: number | null): string | null
export function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** Micro-dollars as `{ microUsd }`; null is unknown, never 0. */
export function money(amount: MicroUsd): JsonMoney
export function money(amount: MicroUsd | null): JsonMoney | null
export function money(amount: MicroUsd | null): JsonMoney | null {
  return amount === null ? null : { microUsd: amount }
}
