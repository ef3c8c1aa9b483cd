import type { PlannedJob } from '../../domain/plan.ts'
import { commandCheck, fileCheck, fixedBlueprint, type Blueprint } from './blueprint.ts'
import { plannedJob } from '../planned-job.ts'

const tests = commandCheck('tests', ['node', '--test'])

const jobs: readonly PlannedJob[] = [
  plannedJob({
    key: 'contract',
    title: 'Write down the API',
    description:
      'Decide the resources, routes, request and response bodies, status codes, validation rules, pagination and the form of errors. Write them down as Markdown with one example request and response per route. This document is what every other job builds and tests against.',
    executor: 'llm',
    role: 'writer',
    priority: 'high',
    deliverables: ['docs/api.md'],
    acceptance: [fileCheck('documented', 'docs/api.md', 'GET')],
    estimate: { inputTokens: 2000, outputTokens: 4000 },
  }),
  plannedJob({
    key: 'scaffold',
    title: 'Set up the project',
    description:
      'Create package.json (ES modules, no dependencies, scripts start = "node src/server.js" and test = "node --test"), .gitignore, src/server.js that starts an HTTP server from node:http on PORT (default 3000) and answers GET /health with {"status":"ok"}, exporting a function that builds the server without listening so that tests can use it, and test/health.test.js.',
    executor: 'agent',
    role: 'engineer',
    deliverables: ['package.json', 'src/server.js', 'test/health.test.js'],
    writes: ['package.json', '.gitignore', 'src/**', 'test/**'],
    acceptance: [fileCheck('manifest', 'package.json', '"test"'), fileCheck('server', 'src/server.js'), tests],
    estimate: { inputTokens: 40_000, outputTokens: 5000 },
  }),
  plannedJob({
    key: 'storage',
    title: 'Store the resources',
    description:
      'Write src/storage.js: create, read, update, delete and list with pagination for the resources of docs/api.md, kept in memory and saved to a JSON file through a temporary file and a rename, so that a crash never leaves half a file. Test it in test/storage.test.js, concurrent writes and a damaged file included.',
    executor: 'agent',
    role: 'engineer',
    dependsOn: ['contract', 'scaffold'],
    deliverables: ['src/storage.js', 'test/storage.test.js'],
    acceptance: [fileCheck('written', 'src/storage.js'), tests],
    estimate: { inputTokens: 60_000, outputTokens: 7000 },
  }),
  plannedJob({
    key: 'validation',
    title: 'Validate requests',
    description:
      'Write src/validation.js: checks every request body and query of docs/api.md and returns the documented errors with field names; refuses unknown fields, bodies over 1 MB and bodies that are no JSON. Test it in test/validation.test.js.',
    executor: 'agent',
    role: 'engineer',
    dependsOn: ['contract', 'scaffold'],
    deliverables: ['src/validation.js', 'test/validation.test.js'],
    acceptance: [fileCheck('written', 'src/validation.js'), tests],
    estimate: { inputTokens: 50_000, outputTokens: 6000 },
  }),
  plannedJob({
    key: 'routes',
    title: 'Answer the routes',
    description:
      'Write src/routes.js and wire it into src/server.js: every route of docs/api.md on top of src/storage.js and src/validation.js, with the documented status codes, 404 and 405 for what does not exist, and no stack trace in any answer.',
    executor: 'agent',
    role: 'engineer',
    dependsOn: ['storage', 'validation'],
    deliverables: ['src/routes.js'],
    writes: ['src/**'],
    acceptance: [fileCheck('written', 'src/routes.js'), tests],
    estimate: { inputTokens: 70_000, outputTokens: 8000 },
  }),
  plannedJob({
    key: 'api-tests',
    title: 'Test the API from the outside',
    description:
      'Write test/api.test.js: starts the server on a free port and checks every route and every error of docs/api.md over HTTP, bad input, large input and parallel requests included. Report differences between document and behaviour; do not weaken a test to hide one.',
    executor: 'agent',
    role: 'qa_specialist',
    dependsOn: ['routes'],
    deliverables: ['test/api.test.js'],
    acceptance: [fileCheck('written', 'test/api.test.js'), tests],
    estimate: { inputTokens: 70_000, outputTokens: 8000 },
  }),
  plannedJob({
    key: 'readme',
    title: 'Explain how to use it',
    description:
      'Write README.md: what it does, how to start and test it, one curl example per resource that works as written, how data is stored, and the known limits.',
    executor: 'agent',
    role: 'writer',
    dependsOn: ['routes'],
    deliverables: ['README.md'],
    acceptance: [fileCheck('written', 'README.md', 'curl')],
    estimate: { inputTokens: 40_000, outputTokens: 3000 },
  }),
  plannedJob({
    key: 'verify',
    title: 'Run every test',
    description: 'Runs the whole test suite once more on the finished work.',
    executor: 'command',
    run: ['node', '--test'],
    timeoutMs: 300_000,
    repeatable: true,
    dependsOn: ['api-tests', 'readme'],
  }),
]

/** A small HTTP service in plain Node, from its contract to its tests. */
export const restApi: Blueprint = fixedBlueprint({
  name: 'rest-api',
  summary: 'a REST API in plain Node: contract, storage, validation, routes, tests, README',
  goal: 'A REST API for todo lists with tests',
  commands: [
    ['node', '--test'],
    ['npm', 'test'],
  ],
  jobs,
})
