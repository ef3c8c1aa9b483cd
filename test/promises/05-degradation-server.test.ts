import { describePostgres } from '../support/databases.ts'
import { degradationSuite } from '../support/degradation-suite.ts'

/** The short form: one table of each kind. `ORCH_TEST_FULL=1` takes every table, as the other engine always does. */
const oneOfEachKind = ['provider_config', 'projects', 'jobs', 'errands', 'reservations', 'orch_migrations'] as const

describePostgres('degradation', (open) =>
  degradationSuite(open, process.env.ORCH_TEST_FULL === '1' ? undefined : oneOfEachKind),
)
