import { createRequire } from 'node:module'
import type SqliteModule from 'better-sqlite3'

/** Required, not imported: an import first searches its source for names, a tenth of a short command's time. */
export const SqliteFile = createRequire(import.meta.url)('better-sqlite3') as typeof SqliteModule

/** An open file. */
export type OpenFile = SqliteModule.Database
