import { textArgument, type CommandModule } from '../../command.ts'

export const command: CommandModule = {
  summary: "Say where a provider's key is; a key itself is typed or piped in, never an argument",
  example: 'orch providers key openai --env WORK_OPENAI_KEY',
  tables: { needs: ['provider_config'], uses: ['provider_health'] },
  declare: (command) =>
    void command
      .argument('<id>', 'provider')
      .option('--env <variable>', 'in an environment variable')
      .option('--command <argv...>', 'printed by a program of yours, such as: --command pass show openai')
      .option('--keychain', 'in the keychain of the operating system (default where there is one)')
      .option('--file', 'in a file only you can read, in the configuration directory')
      .option('--name <credential>', 'name of the credential; default: the id of the provider')
      .option('--remove', 'forget the key'),
  run: async (invocation) => {
    const { context, io, options } = invocation
    const { chosenSource, bindKey, forgetKey } = await import('../../../providers/bind-key.ts')
    const { describeSource } = await import('../../../providers/credential.ts')
    const { editDeps } = await import('./provider-view.ts')
    const { plainLine } = await import('../../render/plain.ts')
    const id = textArgument(invocation, 0)
    const deps = await editDeps(context)
    const source = chosenSource(options)
    if (options['remove'] === true) {
      const removed = await forgetKey(deps, id)
      io.result('providers.key', { id, credential: removed, source: null, origin: null }, () =>
        plainLine(removed === null ? `${id} has no key of its own here` : `The key of ${id} is forgotten`),
      )
      return
    }
    const name = typeof options['name'] === 'string' ? options['name'] : undefined
    const bound = await bindKey(deps, id, {
      source,
      name,
      ask: () => io.secret(`Key of ${id}`),
      mayRebind: (question) => io.confirm(question),
      warn: (message) => io.warn(message),
    })
    // What it failed of may be mended by this: ask it again at once.
    await (await context.health()).recordSuccess(id, '')
    io.result('providers.key', { id, credential: bound.name, source: bound.source.kind, origin: bound.origin }, () =>
      plainLine(`${id} takes its key from ${describeSource(bound.source)}; it is sent to ${bound.origin} only`),
    )
  },
}
