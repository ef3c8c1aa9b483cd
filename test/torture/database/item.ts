import type { Engine, Figure, Scene, Size } from '../line.ts'

/** One or more of the promises of database safety, measured. Its short form takes at most 5 s on each engine. */
export interface DatabaseItem {
  /** Numbers in the list of database promises, 1 to 22. */
  readonly numbers: readonly number[]
  /** Two or three words; what `npm run torture -- database:<name>` says. */
  readonly name: string
  /** One sentence. */
  readonly promise: string
  /** Default: both. */
  readonly engines?: readonly Engine[]
  /** Gets a workspace of its own; its databases are removed with the scene. */
  run(scene: Scene, size: Size): Promise<readonly Figure[]>
}
