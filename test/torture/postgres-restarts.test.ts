import { blackHole } from './black-hole.ts'
import { inShortForm } from './in-short-form.ts'
import { postgresRestarts } from './postgres-restarts.ts'

inShortForm(postgresRestarts)
inShortForm(blackHole)
