import { dagThroughput } from './dag-throughput.ts'
import { inShortForm } from './in-short-form.ts'

inShortForm(dagThroughput)
