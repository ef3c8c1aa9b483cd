/** orch as it was before its later migrations: the whole program, which knows the first ten of them. */
import { migrations } from '../../../migrations/index.ts'
import type { Migration } from '../../../src/database/migration/migration.ts'
import { runProcess } from '../../../src/main.ts'

const known = migrations as Migration[]
known.splice(10)
process.exitCode = await runProcess()
