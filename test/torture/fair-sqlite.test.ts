import { fairSqlite } from './fair-sqlite.ts'
import { inShortForm } from './in-short-form.ts'

inShortForm(fairSqlite)
