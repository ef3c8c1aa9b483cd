import fc from 'fast-check'
import { eventKinds, resources, type Script } from './script.ts'

const job = fc.record({
  after: fc.array(fc.nat(20), { maxLength: 3 }),
  priority: fc.nat(3),
  tries: fc.integer({ min: 1, max: 3 }),
  resource: fc.option(fc.nat(resources.length - 1), { nil: null }),
})

const event = fc.record({
  // What a life mostly consists of, twice: fewer wasted events.
  kind: fc.constantFrom(...eventKinds, 'tick', 'tick', 'tick', 'end', 'end', 'end', 'round', 'pass', 'fault'),
  pick: fc.nat(999),
  size: fc.nat(999),
})

/** Any plan and any life, which fast-check shrinks to a few jobs and a few events. */
export const anyScript: fc.Arbitrary<Script> = fc.record({
  seed: fc.nat(1_000_000),
  jobs: fc.array(job, { minLength: 1, maxLength: 8 }),
  schedulers: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  events: fc.array(event, { maxLength: 25 }),
})
