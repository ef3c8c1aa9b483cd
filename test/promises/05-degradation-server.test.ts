import { describePostgres } from '../support/databases.ts'
import { degradationSuite } from '../support/degradation-suite.ts'

describePostgres('degradation', degradationSuite)
