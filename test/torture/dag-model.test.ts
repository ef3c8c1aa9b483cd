import { dagModel } from './dag-model.ts'
import { inShortForm } from './in-short-form.ts'

inShortForm(dagModel)
