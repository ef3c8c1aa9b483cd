import { describePostgres } from '../support/databases.ts'
import { degradationSuite } from '../support/degradation-suite.ts'

/**
 * The short form: what the engine itself may answer differently about, one table that nothing runs without, one that
 * is done without, and the ledger. `ORCH_TEST_FULL=1` takes every table, as the other engine always does.
 */
const oneOfEachKind = ['jobs', 'reservations', 'orch_migrations'] as const

describePostgres('degradation', (open) =>
  degradationSuite(open, process.env.ORCH_TEST_FULL === '1' ? undefined : oneOfEachKind),
)
