import { inShortForm } from '../torture/in-short-form.ts'
import { killDag } from '../torture/kill-dag.ts'

inShortForm(killDag)
