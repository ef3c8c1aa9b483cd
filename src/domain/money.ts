/** Money is integer micro-dollars everywhere: 1_000_000 is one US dollar. */
export type MicroUsd = number

export const microUsdPerUsd = 1_000_000

/** Dollars as typed by a person, rounded up to whole micro-dollars so that a bound stays a bound. */
export function microUsdFromUsd(usd: number): MicroUsd {
  // The rounding guards against 0.29 * 1e6 = 290000.00000000006 becoming 290001.
  return Math.ceil(Number((usd * microUsdPerUsd).toFixed(3)))
}

/** `$1.24`, `$0.0031`, `$0.000005`, `unknown` for null: unknown money is never shown as zero. */
export function formatMicroUsd(amount: MicroUsd | null): string {
  if (amount === null) return 'unknown'
  const usd = amount / microUsdPerUsd
  if (amount === 0 || Math.abs(usd) >= 0.1) return `$${usd.toFixed(2)}`
  // What is not zero must not look like zero: one micro-dollar is the sixth digit.
  return `$${usd.toFixed(Math.abs(amount) < 1000 ? 6 : 4)}`
}
