import { frozenRunner } from './frozen-runner.ts'
import { inShortForm } from './in-short-form.ts'

inShortForm(frozenRunner)
