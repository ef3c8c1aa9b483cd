import { describeSqlite } from '../support/databases.ts'
import { degradationSuite } from '../support/degradation/suite.ts'

/** `ORCH_TEST_FULL=1` tries every subset of up to eight tables; the torture goes further. */
const breadth =
  process.env.ORCH_TEST_FULL === '1'
    ? { everyUpTo: 2 ** 8, singles: 17, random: 64 }
    : { everyUpTo: 4, singles: 4, random: 1 }

describeSqlite('degradation', (open) => degradationSuite(open, breadth))
