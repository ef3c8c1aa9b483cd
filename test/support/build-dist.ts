import { execFileSync } from 'node:child_process'

/** Builds `dist/` once, so that tests that start `bin/orch.js` run the sources as they are now. */
export default function setup(): void {
  const root = new URL('../..', import.meta.url).pathname
  execFileSync(process.execPath, ['scripts/build.js'], { cwd: root, stdio: 'inherit', timeout: 60_000 })
}
