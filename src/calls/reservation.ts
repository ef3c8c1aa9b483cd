import type { MicroUsd } from '../domain/money.ts'
import type { Model, Price } from '../models/model.ts'
import type { Provider } from '../providers/provider.ts'
import type { UsageRecord } from '../database/repositories/usage-repository.ts'

/** On whose account a call goes. */
export interface CallScope {
  readonly purpose: UsageRecord['purpose']
  readonly projectId: string | null
  readonly jobId: string | null
  readonly errandId: string | null
  readonly attempt: number | null
  readonly schedulerId: string | null
  readonly role: string | null
  /** The project's cap where the project is not stored (yet); a stored project's own row wins. */
  readonly budgetMicroUsd: MicroUsd | null
}

/** Permission for one request: its bound counts against every budget until `settle`. Plain JSON, spooled as it is. */
export interface Reservation {
  /** Also the id of the usage row, so that a purchase is booked once whoever settles it. */
  readonly id: string
  readonly scope: CallScope
  readonly providerId: string
  readonly providerKind: Provider['kind']
  readonly local: boolean
  readonly modelId: string
  readonly price: Price | null
  /** The most the request can cost; null where the price is unknown. */
  readonly boundMicroUsd: MicroUsd | null
}

/** How large a request is, for its bound and the minute buckets. */
export interface RequestSize {
  readonly requestBytes: number
  readonly maxOutputTokens: number
}

export interface AdmissionRequest {
  readonly scope: CallScope
  readonly model: Model
  readonly size: RequestSize
}

/** Rough, for token buckets and limits only; the money bound counts every byte as a token. */
const bytesPerToken = 4

/** About the most tokens a request takes, input and output. */
export function tokensOf({ size }: Pick<AdmissionRequest, 'size'>): number {
  return Math.ceil(size.requestBytes / bytesPerToken) + size.maxOutputTokens
}

/** `job_tokens` and `job_money` are the watchdog's: the job itself has used too much. */
export type RefusedBy = 'budget' | 'unpriced' | 'accounting' | 'no_model' | 'job_tokens' | 'job_money'

export type Admission =
  | { readonly kind: 'admitted'; readonly reservation: Reservation }
  | {
      readonly kind: 'refused'
      readonly by: RefusedBy
      readonly reason: string
      readonly hint: string
    }
  /** A limit is taken for the moment: ask again. */
  | {
      readonly kind: 'busy'
      readonly by: 'budget' | 'rate'
      readonly retryInMs: number
      readonly reason: string
    }
