import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/runtime/clock.ts'
import { killAttempt } from '../../src/workspace/process-tree.ts'
import { bundledModule } from '../support/bundled-module.ts'
import { runCommand, type CommandResult, type RunCommandOptions } from '../../src/workspace/run-command.ts'

const linux = process.platform === 'linux'
const never = new AbortController().signal
let directory = ''
let attempts = 0

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'orch-run-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function node(script: string, overrides: Partial<RunCommandOptions> = {}): Promise<CommandResult> {
  return runCommand([process.execPath, '-e', script], options(overrides))
}

function shell(script: string, overrides: Partial<RunCommandOptions> = {}): Promise<CommandResult> {
  return runCommand(['/bin/sh', '-c', script], options(overrides))
}

function options(overrides: Partial<RunCommandOptions>): RunCommandOptions {
  attempts += 1
  const attemptToken = `run-command-test-${process.pid}-${attempts}`
  return {
    cwd: directory,
    env: process.env,
    timeoutMs: 20_000,
    signal: never,
    attemptToken,
    clock: systemClock,
    ...overrides,
  }
}

describe('runCommand', () => {
  it('returns exit code and both outputs', async () => {
    const result = await node('console.log("out"); console.error("err"); process.exitCode = 3')
    expect(result).toMatchObject({
      exitCode: 3,
      signal: null,
      failure: null,
      timedOut: false,
      aborted: false,
    })
    expect(result.output.split('\n').toSorted()).toEqual(['', 'err', 'out'])
  })

  it('passes arguments exactly, without a shell', async () => {
    const argument = '$(touch owned); `touch owned` && touch owned > owned "\'* '
    const result = await runCommand([process.execPath, '-p', 'process.argv[1]', argument], options({}))
    expect(result.output).toBe(`${argument}\n`)
    expect(existsSync(join(directory, 'owned'))).toBe(false)
  })

  it('gives an empty environment plus the allow list', async () => {
    const env = {
      PATH: process.env['PATH'],
      HOME: '/home/x',
      LC_ALL: 'C',
      OPENAI_API_KEY: 'canary',
      NODE_OPTIONS: '--x',
    }
    const result = await node('console.log(JSON.stringify(process.env))', {
      env,
      attemptToken: 'token-1',
    })
    const { ORCH_COMMAND: command, ...rest } = JSON.parse(result.output) as Record<string, string>
    expect(rest).toEqual({ PATH: env.PATH, HOME: '/home/x', LC_ALL: 'C', ORCH_ATTEMPT: 'token-1' })
    expect(command).toContain('token-1')
  })

  it('does not find programs inside the working directory by name', async () => {
    writeFileSync(join(directory, 'planted'), '#!/bin/sh\necho planted\n')
    chmodSync(join(directory, 'planted'), 0o755)
    const env = { PATH: `${directory}:.:${process.env['PATH'] ?? ''}` }
    const result = await runCommand(['planted'], options({ env }))
    expect(result.failure?.reason).toBe('not_found')
  })

  it('closes standard input', async () => {
    expect((await shell('cat; echo end')).output).toBe('end\n')
  })

  it('says what to do when the program is missing, not executable, or the directory is gone', async () => {
    writeFileSync(join(directory, 'data.txt'), 'x')
    const missing = await runCommand(['orch-no-such-program'], options({}))
    const data = await runCommand(['./data.txt'], options({}))
    const nowhere = await runCommand(['true'], options({ cwd: join(directory, 'none') }))
    expect([missing, data, nowhere].map((result) => [result.exitCode, result.failure?.reason])).toEqual([
      [null, 'not_found'],
      [null, 'not_executable'],
      [null, 'no_directory'],
    ])
    expect(missing.failure?.hint).toContain('Install orch-no-such-program')
  })

  it('keeps head and tail of a flood', async () => {
    const result = await node('for (let i = 0; i < 100000; i++) console.log("line " + i)', {
      outputLimitBytes: 2000,
    })
    expect(result.output).toMatch(/^line 0\nline 1\n/)
    expect(result.output).toMatch(/line 99998\nline 99999\n$/)
    expect(result.output).toMatch(/\[\.\.\. \d+ bytes left out \.\.\.\]/)
    expect(Buffer.byteLength(result.output)).toBeLessThan(2100)
  })

  it('ends a command at its timeout', async () => {
    const result = await node('console.log("started"); setInterval(() => {}, 1000)', {
      timeoutMs: 500,
    })
    expect(result).toMatchObject({
      exitCode: null,
      signal: 'SIGKILL',
      timedOut: true,
      aborted: false,
    })
  })

  it('ends a command on abort, and starts none after it', async () => {
    const controller = new AbortController()
    const running = shell('touch started; sleep 30', { signal: controller.signal })
    await until(() => existsSync(join(directory, 'started')))
    controller.abort()
    expect(await running).toMatchObject({ signal: 'SIGKILL', aborted: true, timedOut: false })
    expect(await shell('touch second', { signal: controller.signal })).toMatchObject({
      aborted: true,
    })
    expect(existsSync(join(directory, 'second'))).toBe(false)
  })

  it('reports a signal that the command got from elsewhere', async () => {
    expect(await shell('kill -TERM $$')).toMatchObject({
      exitCode: null,
      signal: 'SIGTERM',
      timedOut: false,
    })
  })
})

describe.runIf(linux)('the process tree of a command', () => {
  const runaways: [string, string][] = [
    ['a background child', 'sleep 60 & echo $! >> pids'],
    ['one that ignores hangups', 'nohup sleep 60 >/dev/null 2>&1 & echo $! >> pids'],
    ['one in a session of its own', 'setsid sh -c "echo \\$\\$ >> pids; exec sleep 60" & sleep 0.3'],
    ['a double fork', '(setsid sh -c "(sh -c \'echo \\$\\$ >> pids; exec sleep 60\' &) &" &) ; sleep 0.3'],
    ['a loop that keeps forking', 'for i in 1 2 3 4 5 6 7 8 9; do (sleep 60 & echo $! >> pids) & done; sleep 0.3'],
  ]

  it.each(runaways)('is gone after a normal end: %s', async (_name, script) => {
    expect(await shell(script)).toMatchObject({ exitCode: 0 })
    expect(survivors()).toEqual([])
  })

  it.each(runaways)('is gone after a timeout: %s', async (_name, script) => {
    const result = await shell(`${script}; touch ready; sleep 60`, { timeoutMs: 800 })
    expect(result.timedOut).toBe(true)
    expect(existsSync(join(directory, 'ready'))).toBe(true)
    expect(survivors()).toEqual([])
  })

  it.each(runaways)('is gone after a stop: %s', async (_name, script) => {
    const controller = new AbortController()
    const running = shell(`${script}; touch ready; sleep 60`, { signal: controller.signal })
    await until(() => existsSync(join(directory, 'ready')))
    controller.abort('stop')
    expect(await running).toMatchObject({ aborted: true })
    expect(survivors()).toEqual([])
  })

  it('is gone although it goes on forking while it is killed', async () => {
    // Each generation starts the next in a session of its own before it ends; 200 at most.
    const script = 'echo $$ >> pids; [ $1 -lt 200 ] && setsid sh -c "$0" "$0" $(($1 + 1)) & sleep 0.02'
    const controller = new AbortController()
    const running = shell(`export S='${script}'; setsid sh -c "$S" "$S" 1 & sleep 60`, { signal: controller.signal })
    await until(() => existsSync(join(directory, 'pids')) && readFileSync(join(directory, 'pids'), 'utf8').length > 40)
    controller.abort('stop')
    await running
    // One that is dying has no environment any more and is no zombie yet.
    await until(() => survivors().length === 0)
    const known = readFileSync(join(directory, 'pids'), 'utf8')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(readFileSync(join(directory, 'pids'), 'utf8')).toBe(known)
  })

  it('can be killed by another process that knows the token, after the runner died', async () => {
    const token = `orphan-${process.pid}`
    const child = spawn('/bin/sh', ['-c', '(setsid sh -c "echo \\$\\$ >> pids; exec sleep 60" &); exec sleep 60'], {
      cwd: directory,
      env: { PATH: process.env['PATH'], ORCH_ATTEMPT: token },
      stdio: 'ignore',
      detached: true,
    })
    await until(
      () => existsSync(join(directory, 'pids')) && readFileSync(join(directory, 'pids'), 'utf8').endsWith('\n'),
    )
    const exit = once(child, 'exit')
    expect(await killAttempt('another-token')).toBe(0)
    expect(survivors()).toHaveLength(1)
    expect(await killAttempt(token)).toBe(2)
    await exit
    expect(survivors()).toEqual([])
  })

  it('leaves the commands of other attempts alone', async () => {
    const other = shell('touch waiting; sleep 0.5; echo survived')
    await until(() => existsSync(join(directory, 'waiting')))
    await shell('sleep 60 & true')
    expect((await other).output).toBe('survived\n')
  })

  it('gets no descriptor that orch inherited', async () => {
    const module = bundledModule(new URL('../../src/workspace/run-command.ts', import.meta.url), directory)
    const script = `
      const { runCommand } = await import(${JSON.stringify(module)})
      const clock = { monotonic: () => 0, now: () => 0, sleep: () => new Promise(() => {}) }
      const look = 'const fs = require("node:fs"); for (const fd of fs.readdirSync("/proc/self/fd"))' +
        ' try { console.log(fd, fs.readlinkSync("/proc/self/fd/" + fd)); if (fd > 20) console.log(fs.readFileSync(+fd, "utf8")) } catch {}' +
        '; console.log("end")'
      const result = await runCommand([process.execPath, '-e', look], {
        cwd: '/', env: process.env, timeoutMs: 20000, signal: new AbortController().signal, attemptToken: 't', clock })
      console.log(result.output)
      process.exit()`
    writeFileSync(join(directory, 'secret'), 'canary')
    const secret = openSync(join(directory, 'secret'), 'r')
    const stdio = ['ignore', 'pipe', 'inherit', ...Array.from({ length: 18 }, () => 'ignore' as const), secret] as const
    const runner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: [...stdio],
    })
    let output = ''
    runner.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await once(runner, 'close')
    expect(output).toContain('end')
    expect(output).not.toContain('canary')
    expect(output).not.toContain(join(directory, 'secret'))
  })
})

/** Pids written by the scripts that still run. */
function survivors(): number[] {
  const pids = readFileSync(join(directory, 'pids'), 'utf8').trim().split('\n').map(Number)
  expect(pids.length).toBeGreaterThan(0)
  return pids.filter((pid) => existsSync(`/proc/${pid}`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 500 && !condition(); waited += 1) await systemClock.sleep(10)
  expect(condition()).toBe(true)
}
