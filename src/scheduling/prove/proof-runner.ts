/** Processes of orch itself that work in a scratch area and may be killed at any instant. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** What a runner is told, as one line on its stdin: an address may hold a password, and argv is for all to see. */
export interface ProofRunnerInput {
  readonly url: string
  readonly concurrency: number
  readonly leaseMs: number
  /** Time of one simulated call. */
  readonly latencyMs: number
  /** Where each purchase is written down before it is answered. */
  readonly ledgerFile: string
  /** End when everything is done. */
  readonly untilIdle: boolean
}

export interface ProofRunnerPlace {
  /** The script. */
  readonly script: string
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

export interface ProofRunnerEnd {
  readonly exitCode: number | null
  readonly killed: boolean
  readonly stderr: string
}

export interface ProofRunner {
  /** Resolves when it has bought something, or has ended. */
  readonly working: Promise<unknown>
  readonly ended: Promise<ProofRunnerEnd>
  /** SIGKILL. Has no effect on one that has ended. */
  kill(): void
}

const keptErrorCharacters = 2000

/** Starts a runner. It ends with this process, whatever happens to it. */
export function startProofRunner(place: ProofRunnerPlace, input: ProofRunnerInput): ProofRunner {
  const { script, cwd, env } = place
  const child = spawn(process.execPath, [script], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-keptErrorCharacters)))
  const ended = new Promise<ProofRunnerEnd>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => resolve({ exitCode, killed: signal === 'SIGKILL', stderr }))
  })
  // Whoever starts it waits for its end; a failed start must not end this process before that.
  ended.catch(() => {})
  // A runner that is dead reads nothing.
  child.stdin.on('error', () => {})
  child.stdin.write(`${JSON.stringify(input)}\n`)
  const working = Promise.race([once(child.stdout, 'data').catch(() => undefined), ended.catch(() => undefined)])
  return { working, ended, kill: () => void child.kill('SIGKILL') }
}
