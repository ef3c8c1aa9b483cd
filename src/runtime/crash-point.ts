/**
 * Named instants at which a process can be told to die, for tests only: torture kills the real program exactly
 * between two steps, not only at random. Nothing happens unless the variable is set.
 */
import { OrchError } from '../errors/orch-error.ts'

/** For tests only: `after-spool:3` kills the process, as `kill -9` does, at its third passage of `after-spool`. */
export const crashPointVariable = 'ORCH_TEST_CRASH_POINT'

/** In the order in which a job meets them. */
export const crashPointNames = [
  /** The claim is committed, nothing has started. */
  'after-claim',
  /** The errand is committed as started, its effect has not begun. */
  'after-errand-start',
  /** A model has answered and nothing is kept yet: the one instant at which what was paid can be lost. */
  'after-response',
  /** The program of a command runs. */
  'during-command',
  /** A command has ended and its result is not kept yet. */
  'after-command',
  /** A file is written and its errand is not committed. */
  'after-file-write',
  /** A result is in the spool and not in the database. */
  'after-spool',
  /** The errand is committed and its spool file still there. */
  'after-errand-commit',
  /** Work is over and its end not written. */
  'before-finish',
  /** The end is written, what it made ready is claimed, and nobody has been told. */
  'after-finish',
  /** Jobs of a dead scheduler are given back, what their attempts left running is not killed yet. */
  'after-rescue',
  /** A scheduler that is done has not said so yet. */
  'before-leave',
] as const

export type CrashPointName = (typeof crashPointNames)[number]

/** What passes by a crash point says so. */
export interface CrashPoints {
  pass(name: CrashPointName): void
}

/**
 * The crash points of a process, from the variable's text; undefined where it is not set, so that a passage costs
 * nothing. Throws ORCH_CONFIG_INVALID for a text that names no crash point: a test must not pass by a typing error.
 */
export function crashPointsFrom(text: string | undefined, die: () => void = killSelf): CrashPoints | undefined {
  if (text === undefined || text === '') return undefined
  const [name, count = '1'] = text.split(':')
  const wanted = crashPointNames.find((one) => one === name)
  const dieAt = Number(count)
  if (wanted === undefined || !Number.isInteger(dieAt) || dieAt < 1) {
    throw new OrchError('ORCH_CONFIG_INVALID', `${crashPointVariable} is not a crash point: ${text}`, {
      hint: `It is for tests only: <name>[:<passage>] with one of ${crashPointNames.join(', ')}`,
    })
  }
  let passages = 0
  return {
    pass: (passed) => {
      if (passed !== wanted) return
      passages += 1
      if (passages === dieAt) die()
    },
  }
}

/** The kernel ends every thread before this call returns. */
function killSelf(): void {
  process.kill(process.pid, 'SIGKILL')
}
