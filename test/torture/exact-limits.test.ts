import { exactLimits } from './exact-limits.ts'
import { inShortForm } from './in-short-form.ts'

inShortForm(exactLimits)
