import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../src/database/connection.ts'
import { insertUsage } from '../../../src/database/repositories/usage-repository.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { temporaryDirectory } from '../../support/databases.ts'
import { documentOf, runOrch, type OrchResult } from '../../support/run-orch.ts'
import { aUsage } from '../../support/usage-records.ts'

let cwd: string
const orch = (...argv: string[]): Promise<OrchResult> => runOrch(['usage', ...argv], { cwd })

describe('orch usage', () => {
  beforeEach(async () => {
    cwd = temporaryDirectory()
    await runOrch(['db', 'migrate'], { cwd })
    const database = await openDatabase(join(cwd, '.orch/orch.db'), { clock: systemClock, random: seededRandom(1) })
    await database.write(async (trx) => {
      await insertUsage(trx, aUsage({ costMicroUsd: 1_200_000, reasoningTokens: 60 }))
      await insertUsage(trx, aUsage({ costMicroUsd: null, source: 'unknown', inputTokens: null }))
      await insertUsage(
        trx,
        aUsage({ modelId: 'evil\u001b[2J', costMicroUsd: null, boundMicroUsd: 5, source: 'unknown' }),
      )
      await insertUsage(
        trx,
        aUsage({ providerId: 'rehearsal', modelId: 'rehearsal', source: 'simulated', costMicroUsd: 0 }),
      )
    })
    await database.close()
  })

  it('shows what is known and what is not, rehearsals apart', async () => {
    const { stdout, exitCode } = await orch('--by', 'model')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/openai\/gpt-5 +2 +1,000 \+ \? .*\$1\.20 \+ 1 unknown/)
    expect(stdout).toMatch(/total +3 .*\$1\.20 \+ <= \$0\.000005 \+ 1 unknown +1 \(1,100 tokens\)/)
    expect(stdout).not.toContain('\u001b')
  })

  it('prints a document for programs', async () => {
    const { data } = documentOf<{ rows: unknown[]; total: unknown }>(await orch('--by', 'provider', '--json'))
    expect(data).toMatchObject({
      by: 'provider',
      since: null,
      rows: [{ provider: 'openai' }, { provider: 'rehearsal', requests: 0, cost: { known: null } }],
      total: {
        requests: 3,
        cost: { known: { microUsd: 1_200_000 }, atMost: { microUsd: 5 }, unknownRequests: 1 },
        simulated: { requests: 1, tokens: 1100 },
      },
    })
  })

  it('leaves out what is older', async () => {
    expect((await orch('--since', '2100-01-01')).stdout).toBe('No model has been called\n')
  })

  it.each([
    [['--by', 'colour'], 'project, role, model, provider, day'],
    [['--since', 'yesterday'], 'yesterday'],
  ])('refuses %j', async (flags, named) => {
    const result = await orch(...flags)
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toContain(named)
  })
})

it('orch usage without its table is empty and says so once', async () => {
  cwd = temporaryDirectory()
  const result = await orch('--json')
  expect(result.exitCode).toBe(0)
  const { data, warnings } = documentOf<{ rows: unknown[] }>(result)
  expect(data.rows).toEqual([])
  expect(warnings.filter((warning) => warning.message.includes('model_usage'))).toHaveLength(1)
})
