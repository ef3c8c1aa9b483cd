import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PurchaseWitness } from '../../../src/scheduling/prove/purchase-witness.ts'
import { temporaryDirectory } from '../../support/databases.ts'

function aWitness() {
  const path = join(temporaryDirectory(), 'purchases')
  const buy = (...jobs: readonly string[]) => appendFileSync(path, jobs.map((job) => `${job}\n`).join(''))
  return { witness: new PurchaseWitness(path), buy }
}

it('tells what was bought after it was committed from what was asked again in flight', async () => {
  const { witness, buy } = aWitness()
  await witness.look([])
  buy('a', 'b', 'b')
  // What is committed at the end of a span may have been bought within it.
  await witness.look(['a'])
  expect(witness.boughtAgain).toEqual([])
  buy('b', 'a')
  await witness.look(['a', 'b'])
  expect(witness.boughtAgain).toEqual(['a'])
  expect(['a', 'b', 'c'].map((job) => witness.purchasesOf(job))).toEqual([2, 3, 0])
})

it('does not take a line that is half written for a purchase', async () => {
  const { witness, buy } = aWitness()
  buy('a')
  appendFileSync(witness.path, 'jo')
  await witness.look(['a'])
  appendFileSync(witness.path, 'b\n')
  await witness.look([])
  expect(witness.purchasesOf('job')).toBe(1)
})
