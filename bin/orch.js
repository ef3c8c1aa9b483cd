#!/usr/bin/env node
import { readFileSync } from 'node:fs'

// Answered before anything is imported: CI and prompts ask for the version often.
if (process.argv[2] === '--version' || process.argv[2] === '-V') {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  process.stdout.write(`${JSON.parse(manifest).version}\n`)
} else {
  // Kept for the program while it loads: no instant is left to the default action of the system. A third one ends it.
  const received = []
  const keep = (name) => received.push(name) > 2 && process.exit(130)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, keep)
  const { runProcess } = await import('../dist/main.js')
  process.exitCode = await runProcess(received)
  // An end by itself gives signals back to the system long before the process is gone; so it ends here, with everything
  // written. Whoever closed its end of a pipe is not waited for.
  const written = (stream) => new Promise((resolve) => stream.write('', () => resolve()))
  await Promise.all([process.stdout, process.stderr].map(written))
  process.exit()
}
