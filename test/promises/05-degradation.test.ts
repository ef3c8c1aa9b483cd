import { describeSqlite } from '../support/databases.ts'
import { degradationSuite } from '../support/degradation-suite.ts'

describeSqlite('degradation', (open) => degradationSuite(open))
