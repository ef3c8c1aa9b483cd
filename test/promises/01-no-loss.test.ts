import { inShortForm } from '../torture/in-short-form.ts'
import { killResume } from '../torture/kill-resume.ts'

inShortForm(killResume)
