import * as z from 'zod'
import { modelNeeds } from '../../domain/plan.ts'
import { toolNames } from '../../domain/tool-name.ts'
import { documentSchema } from './values.ts'

const role = z.strictObject({
  id: z.string(),
  title: z.string(),
  prompt: z.string(),
  needs: z.array(z.enum(modelNeeds)).describe('What its model must offer'),
  tools: z.array(z.enum(toolNames)).describe('Tools it grants besides submit'),
  deniedCommands: z.array(z.array(z.string())).describe('Argv prefixes it may not run'),
  reportsTo: z.string().nullable(),
  modelPin: z.string().nullable().describe('provider/model'),
  stored: z.boolean().describe('In the database, rather than built in'),
})

export const schemas = {
  'roles.list': documentSchema('roles.list', z.array(role)),
  'roles.show': documentSchema('roles.show', role),
  'roles.add': documentSchema('roles.add', role),
  'roles.edit': documentSchema('roles.edit', role),
  'roles.seed': documentSchema('roles.seed', z.strictObject({ added: z.array(z.string()) })),
}
