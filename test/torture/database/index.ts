import { adoption, leastPrivilege } from './adoption.ts'
import type { DatabaseItem } from './item.ts'
import { transferItem } from './transfer.ts'

/** Every item of database safety, in the order of the list and so in the order in which they run. */
export const databaseItems: readonly DatabaseItem[] = [adoption, leastPrivilege, transferItem]

/** How many promises the list has; each must be some item's. */
export const promisesListed = 22
