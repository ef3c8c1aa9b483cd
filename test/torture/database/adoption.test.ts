import { itemLine } from '../database.ts'
import { inShortForm } from '../in-short-form.ts'
import { adoption, leastPrivilege } from './adoption.ts'

inShortForm(itemLine(adoption))
inShortForm(itemLine(leastPrivilege))
