import { inShortForm } from './in-short-form.ts'
import { paidAnswers } from './paid-answers.ts'

inShortForm(paidAnswers)
