import { noTables } from '../../doctor/table-use.ts'
import { OrchError } from '../../errors/orch-error.ts'
import { textArgument, type CommandModule } from '../command.ts'

export const command: CommandModule = {
  summary: 'JSON Schemas of the plan file and of everything --json prints',
  example: 'orch schema plan > plan.schema.json',
  tables: noTables,
  declare: (command) =>
    void command.argument('[kind]', '`plan`, or the kind of a --json document; without it: the list'),
  run: async (invocation) => {
    const { io } = invocation
    const { jsonSchemaOf, schemaNames } = await import('../schema-catalog.ts')
    const names = await schemaNames()
    const name = textArgument(invocation, 0)
    if (name === '') {
      const kinds = names.map((kind) => ({ kind }))
      io.result('schema.list', kinds, () => names.join('\n'))
      return
    }
    const schema = await jsonSchemaOf(name)
    if (schema === undefined) {
      const { closestWord } = await import('../../domain/closest-word.ts')
      const known = closestWord(name, names)
      throw new OrchError('ORCH_NOT_FOUND', `There is no schema "${name}"`, {
        hint: known === null ? '`orch schema` lists them' : `Did you mean ${known}?`,
      })
    }
    io.result('schema', schema, () => JSON.stringify(schema, null, 2))
  },
}
