import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

/** Makes row ids: UUIDv7, so that ids sort by creation. */
export interface Ids {
  next(): string
}

const randomBytesPerId = 16
/** Asked for in bulk: each request to the system costs more than the id that is made of it. */
const pool = new Uint8Array(512 * randomBytesPerId)
let used = pool.length
let lastMs = Number.NEGATIVE_INFINITY
let sequence = 0

/** Ids of one process grow strictly, also within a millisecond: a counter follows the time (RFC 9562, section 6.2). */
export const systemIds: Ids = {
  next: () => {
    if (used === pool.length) {
      randomFillSync(pool)
      used = 0
    }
    const random = pool.subarray(used, (used += randomBytesPerId))
    const now = Date.now()
    if (now > lastMs) {
      lastMs = now
      // 31 random bits leave the counter two thousand million ids before it could run over.
      sequence = new DataView(random.buffer, random.byteOffset).getUint32(6) >>> 1
    } else {
      sequence += 1
    }
    return v7({ random, msecs: lastMs, seq: sequence })
  },
}
