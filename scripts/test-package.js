// Installs the packed tarball for real and runs the sample project, on this Node and on the newest LTS release.
// usage: npm run test:package          needs a registry; takes a few minutes, most of it the SQLite build on Node 20
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'orch-package-'))
/** Even majors are the ones that get long-term support; the npm package `node` ships the binary. */
const newestLts = 26
const longestStepMs = 10 * 60_000

const env = { ...process.env, npm_config_update_notifier: 'false', CI: 'true' }
// A nodedir meant for this Node makes native builds for another one load with the wrong headers.
const foreignEnv = { ...env, npm_config_nodedir: '' }

/** Runs a step in a directory, by an explicit Node binary where the step is a script. */
function run(command, argv, options = {}) {
  console.log(`$ ${[command, ...argv].join(' ')}`)
  return execFileSync(command, argv, {
    cwd: place,
    env,
    encoding: 'utf8',
    stdio: ['ignore', options.capture === true ? 'pipe' : 'inherit', 'inherit'],
    timeout: longestStepMs,
    ...options,
  })
}

/** The npm that belongs to the Node that runs this script, as a file a given Node can run. */
function npmCli() {
  const given = process.env.npm_execpath
  if (given !== undefined && given.endsWith('.js')) return given
  return join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js')
}

function packProject() {
  const [{ filename }] = JSON.parse(
    run(process.execPath, [npmCli(), 'pack', '--json', '--ignore-scripts', '--pack-destination', place], {
      cwd: root,
      capture: true,
    }),
  )
  return join(place, filename)
}

/** Downloads a Node of the wanted major from the registry and returns its binary. */
function fetchNode(major) {
  const home = join(place, `node-${major}`)
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
  run(process.execPath, [npmCli(), 'install', '--no-audit', '--no-fund', `node@${major}`], { cwd: home })
  return join(home, 'node_modules/node/bin/node')
}

function tryOn(node, tarball, base) {
  const version = run(node, ['--version'], { capture: true }).trim()
  const home = join(place, `project-${version}`)
  mkdirSync(home)
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  // A dependency's install scripts run only where its user approves them.
  const { 'better-sqlite3': sqlite } = manifest.allowScripts
  writeFileSync(
    join(home, 'package.json'),
    JSON.stringify({ private: true, allowScripts: { 'better-sqlite3': sqlite } }),
  )
  const path = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`
  const installEnv = { ...base, PATH: path }
  const own = { ...installEnv, HOME: home, ORCH_CONFIG_DIR: join(home, 'user'), ORCH_STATE_DIR: join(home, 'state') }
  run(node, [npmCli(), 'install', '--no-audit', '--no-fund', tarball], { cwd: home, env: installEnv })
  const orch = join(home, 'node_modules/orch/bin/orch.js')
  for (const argv of [['--version'], ['quickstart'], ['jobs', 'list'], ['usage'], ['doctor', '--prove']]) {
    run(node, [orch, ...argv], { cwd: home, env: own })
  }
  console.log(`ok: the package installs and runs on Node ${version}`)
}

try {
  run(process.execPath, [join(root, 'scripts/build.js')], { cwd: root })
  const tarball = packProject()
  tryOn(process.execPath, tarball, env)
  tryOn(fetchNode(newestLts), tarball, foreignEnv)
} finally {
  rmSync(place, { recursive: true, force: true })
}
