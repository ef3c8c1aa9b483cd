import type { PlannedJob } from '../../domain/plan.ts'
import { commandCheck, fileCheck, fixedBlueprint, type Blueprint } from './blueprint.ts'
import { plannedJob } from '../planned-job.ts'

const tests = commandCheck('tests', ['node', '--test'])

const jobs: readonly PlannedJob[] = [
  plannedJob({
    key: 'usage',
    title: 'Write down the command line',
    description:
      'Decide commands, flags, input, output, exit codes and error messages, and write them to docs/usage.md as the help text will show them, with three examples from simple to composed. Say what goes to stdout, what to stderr, and what happens with empty, huge and malformed input.',
    executor: 'agent',
    role: 'writer',
    priority: 'high',
    deliverables: ['docs/usage.md'],
    acceptance: [fileCheck('documented', 'docs/usage.md', 'exit')],
    estimate: { inputTokens: 25_000, outputTokens: 3500 },
  }),
  plannedJob({
    key: 'scaffold',
    title: 'Set up the project',
    description:
      'Create package.json (ES modules, no dependencies, a bin entry for bin/cli.js, scripts.test = "node --test"), .gitignore, bin/cli.js that only calls src/main.js and sets process.exitCode, src/main.js with main(argv, streams) returning an exit code and answering --help and --version, and test/main.test.js.',
    executor: 'agent',
    role: 'engineer',
    deliverables: ['package.json', 'bin/cli.js', 'src/main.js', 'test/main.test.js'],
    writes: ['package.json', '.gitignore', 'bin/**', 'src/**', 'test/**'],
    acceptance: [
      fileCheck('manifest', 'package.json', '"bin"'),
      commandCheck('starts', ['node', 'bin/cli.js', '--help']),
      tests,
    ],
    estimate: { inputTokens: 40_000, outputTokens: 5000 },
  }),
  plannedJob({
    key: 'arguments',
    title: 'Read the command line',
    description:
      'Write src/arguments.js with parseArgs of node:util: every command and flag of docs/usage.md, unknown ones refused with exit code 2 and a suggestion, values checked with messages that name flag, expected and found. Test it in test/arguments.test.js.',
    executor: 'agent',
    role: 'engineer',
    dependsOn: ['usage', 'scaffold'],
    deliverables: ['src/arguments.js', 'test/arguments.test.js'],
    acceptance: [fileCheck('written', 'src/arguments.js'), tests],
    estimate: { inputTokens: 45_000, outputTokens: 5000 },
  }),
  plannedJob({
    key: 'core',
    title: 'Do the work',
    description:
      'Write src/core.js: what the tool is for, as pure functions over data and streams, independent of the command line, so that input of any size is handled piece by piece. Test it in test/core.test.js with ordinary, empty, huge and malformed input.',
    executor: 'agent',
    role: 'engineer',
    dependsOn: ['usage', 'scaffold'],
    deliverables: ['src/core.js', 'test/core.test.js'],
    acceptance: [fileCheck('written', 'src/core.js'), tests],
    estimate: { inputTokens: 60_000, outputTokens: 7000 },
  }),
  plannedJob({
    key: 'wire',
    title: 'Join command line and work',
    description:
      'Let src/main.js use src/arguments.js and src/core.js: data on stdout, messages on stderr, the documented exit codes, a closed pipe ends quietly, no stack trace for bad input.',
    executor: 'agent',
    role: 'engineer',
    dependsOn: ['arguments', 'core'],
    deliverables: ['src/main.js'],
    writes: ['src/**', 'bin/**'],
    acceptance: [fileCheck('wired', 'src/main.js', 'core.js'), tests],
    estimate: { inputTokens: 50_000, outputTokens: 5000 },
  }),
  plannedJob({
    key: 'behaviour-tests',
    title: 'Test it as its users run it',
    description:
      'Write test/cli.test.js: runs bin/cli.js as a child process and checks every example, flag, exit code and error message of docs/usage.md, stdin and pipes included. Report differences; do not weaken a test to hide one.',
    executor: 'agent',
    role: 'qa_specialist',
    dependsOn: ['wire'],
    deliverables: ['test/cli.test.js'],
    acceptance: [fileCheck('written', 'test/cli.test.js'), tests],
    estimate: { inputTokens: 60_000, outputTokens: 7000 },
  }),
  plannedJob({
    key: 'readme',
    title: 'Explain how to use it',
    description:
      'Write README.md: purpose, installation, the examples of docs/usage.md, exit codes, how to run the tests.',
    executor: 'agent',
    role: 'writer',
    dependsOn: ['wire'],
    deliverables: ['README.md'],
    acceptance: [fileCheck('written', 'README.md', '--help')],
    estimate: { inputTokens: 30_000, outputTokens: 2500 },
  }),
  plannedJob({
    key: 'verify',
    title: 'Run every test',
    description: 'Runs the whole test suite once more on the finished work.',
    executor: 'command',
    run: ['node', '--test'],
    timeoutMs: 300_000,
    repeatable: true,
    dependsOn: ['behaviour-tests', 'readme'],
  }),
]

/** A command-line program in plain Node, from its help text to its tests. */
export const cliTool: Blueprint = fixedBlueprint({
  name: 'cli-tool',
  summary: 'a command-line tool in plain Node: usage, arguments, core, tests, README',
  goal: 'A command-line tool that counts words, lines and bytes of files, with tests',
  commands: [
    ['node', '--test'],
    ['npm', 'test'],
    ['node', 'bin/cli.js'],
  ],
  jobs,
})
