import { inShortForm } from './in-short-form.ts'
import { signals } from './signals.ts'

inShortForm(signals)
