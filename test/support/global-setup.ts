import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { makeTemplate, type MigratedTemplate } from './migrated-template.ts'
import { startPostgres, type PostgresServer } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the suites that run on Postgres make their schemas. */
    postgresUrl: string
    migratedTemplate: MigratedTemplate
  }
}

/** One Postgres for the whole run (`ORCH_TEST_POSTGRES_URL`, or a temporary server of our own), and one migrated template. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'orch-template-'))
  const given = process.env.ORCH_TEST_POSTGRES_URL ?? ''
  let server: PostgresServer | null = null
  const teardown = async () => {
    await server?.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    server = given === '' ? await startPostgres() : null
    const url = server?.url ?? given
    project.provide('postgresUrl', url)
    project.provide('migratedTemplate', await makeTemplate(directory, url))
    return teardown
  } catch (error) {
    await teardown()
    throw error
  }
}
