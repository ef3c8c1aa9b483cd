/** The one taxonomy of failed provider calls (DESIGN section 7), and what orch does about each class. */
export const errorClasses = {
  rate: { retry: true, means: 'the provider asked for a pause' },
  overload: { retry: true, means: 'the provider is overloaded' },
  server: { retry: true, means: 'the provider failed' },
  connect: { retry: true, means: 'no connection; nothing was sent' },
  hang: { retry: true, means: 'no answer within the deadline' },
  unknown_outcome: { retry: true, means: 'the connection broke after the request was sent' },
  billing: { retry: false, means: 'the account has no credit or has reached its spending limit' },
  auth: { retry: false, means: 'the credential was refused' },
  request: { retry: false, means: 'the request was refused as invalid' },
  context: { retry: false, means: 'the request is larger than the context window' },
  truncated: { retry: false, means: 'the reply hit the output limit' },
  refused: { retry: false, means: 'the model or a filter refused the input' },
  malformed: { retry: false, means: 'the reply does not have the asked form' },
  empty: { retry: true, means: 'the reply was empty' },
  config: { retry: false, means: 'the model or server is not set up' },
} as const satisfies Record<string, { retry: boolean; means: string }>

export type ErrorClass = keyof typeof errorClasses
