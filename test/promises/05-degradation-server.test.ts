import { describePostgres } from '../support/databases.ts'
import { degradationSuite } from '../support/degradation/suite.ts'

/** What the engine itself may answer differently about; `ORCH_TEST_FULL=1` tries more, as the other engine does. */
const breadth =
  process.env.ORCH_TEST_FULL === '1'
    ? { everyUpTo: 2 ** 6, singles: 17, random: 32 }
    : { everyUpTo: 2, singles: 0, random: 1 }

describePostgres('degradation', (open) => degradationSuite(open, breadth))
