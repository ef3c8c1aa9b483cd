/**
 * The floors of `npm run bench:scheduler` as shares of the raw-SQL limit of the same run, because jobs per second say
 * nothing about another machine. The peers' shares are ratios of medians taken side by side in interleaved rounds on
 * one 2-core machine (Node 20.20, better-sqlite3 12.11, PostgreSQL 15.18 with stock settings and fsync on).
 */

/** plainjob at synchronous NORMAL, 11,500 jobs/s, of raw batches of 50 at NORMAL, 162,000 jobs/s. */
export const plainjobOfRaw = 11_500 / 162_000
/** pg-boss 12 in batches of 500, 22,900 jobs/s, of raw batches of 500 over one connection, 53,000 jobs/s. */
export const pgBossOfRaw = 22_900 / 53_000
/** pg-boss 12 flow on a layered DAG of 10,000, 8,000 jobs/s, of the same raw limit. */
export const pgBossFlowOfRaw = 8000 / 53_000
/** Seconds to store a plan of 10,000 jobs with dependencies. */
export const storeSeconds = { SQLite: 1, Postgres: 2 } as const
/** Milliseconds that orch adds to a job of the rehearsal provider, with executor, journal and spool, on SQLite. */
export const overheadMs = 5
