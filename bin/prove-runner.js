// A runner that `orch doctor --prove` starts and kills: not a command, and of no use by itself.
const { runProofRunner } = await import('../dist/main.js')
await runProofRunner()
