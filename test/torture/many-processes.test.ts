import { inShortForm } from './in-short-form.ts'
import { manyProcesses } from './many-processes.ts'

inShortForm(manyProcesses)
