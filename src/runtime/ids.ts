import { v7 } from 'uuid'

/** Makes row ids: UUIDv7, so that ids sort by creation. */
export interface Ids {
  next(): string
}

export const systemIds: Ids = { next: () => v7() }
