/** The states of a job and the only moves between them (DESIGN section 3). */
export const jobStates = ['blocked', 'ready', 'running', 'completed', 'failed', 'cancelled', 'skipped'] as const
export type JobState = (typeof jobStates)[number]

const moves: Readonly<Record<JobState, readonly JobState[]>> = {
  blocked: ['ready', 'skipped', 'cancelled'],
  ready: ['running', 'blocked', 'cancelled'],
  running: ['completed', 'ready', 'failed', 'cancelled'],
  completed: [],
  failed: ['blocked', 'ready'],
  cancelled: ['blocked', 'ready'],
  skipped: ['blocked', 'ready'],
}

/** Whether the state table allows the move. Moves out of failed, cancelled and skipped belong to `jobs retry`. */
export function mayMove(from: JobState, to: JobState): boolean {
  return moves[from].includes(to)
}

/** The moves out of a state, for the diagram in README. */
export function movesFrom(state: JobState): readonly JobState[] {
  return moves[state]
}

/** States in which nothing more happens unless a person retries. */
export function isTerminal(state: JobState): boolean {
  return state === 'completed' || isDead(state)
}

/** States that make every dependant skipped. */
export function isDead(state: JobState): boolean {
  return state === 'failed' || state === 'cancelled' || state === 'skipped'
}

export const jobHolds = ['person', 'quarantine'] as const
export type JobHold = (typeof jobHolds)[number]

export const attemptOutcomes = ['completed', 'failed', 'wait', 'released', 'cancelled', 'lost'] as const
export type AttemptOutcome = (typeof attemptOutcomes)[number]

export const priorities = { low: 0, medium: 1, high: 2, critical: 3 } as const
export type Priority = keyof typeof priorities
