import { claimCost } from './claim-cost.ts'
import { inShortForm } from './in-short-form.ts'

inShortForm(claimCost)
