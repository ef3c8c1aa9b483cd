import { memory } from './memory.ts'
import { inShortForm } from './in-short-form.ts'

inShortForm(memory)
