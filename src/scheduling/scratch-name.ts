import { createHash } from 'node:crypto'
import { isAlive, ownIdentity, type ProcessIdentity } from '../workspace/process-identity.ts'

/** What a scratch area is for; the second part of its name. */
export type ScratchPurpose = 'bench' | 'prove' | 'rehearsal'

/** The beginning of the names of all scratch areas of a purpose. */
export function scratchPrefix(purpose: ScratchPurpose): string {
  return `orch_${purpose}_`
}

/**
 * A name that says who made the area and when, so that it can be judged later without opening it: host, boot, pid,
 * start time of the process, creation time, and two characters per area. Fits a directory and a schema.
 */
export function scratchName(purpose: ScratchPurpose, nowMs: number, salt: number): string {
  const own = ownIdentity()
  const owner = [hostMark(own), bootMark(own), own.pid.toString(36), startMark(own)]
  const area = Math.floor(salt * 1296).toString(36)
  return `${scratchPrefix(purpose)}${owner.join('_')}_${nowMs.toString(36)}_${area.padStart(2, '0')}`
}

/** A leftover of another machine cannot be asked; no run of orch in a scratch area takes as long as this. */
const foreignLifeMs = 24 * 60 * 60_000

/**
 * Whether whoever made the area is gone: judged by its process on this machine, by age on another one. A name that
 * does not read is nobody's leftover.
 */
export function isLeftover(name: string, nowMs: number): boolean {
  const [, , host, boot, pid = '', startTime = '', created = ''] = name.split('_')
  const createdMs = Number.parseInt(created, 36)
  if (host === undefined || boot === undefined || !Number.isFinite(createdMs)) return false
  const own = ownIdentity()
  if (host !== hostMark(own)) return nowMs - createdMs > foreignLifeMs
  if (boot !== bootMark(own)) return true
  const ticks = Number.parseInt(startTime, 36)
  const owner = { ...own, pid: Number.parseInt(pid, 36), startTime: Number.isNaN(ticks) ? '' : String(ticks) }
  return isAlive(owner) === false
}

/** Process ids mean something inside one pid namespace of one host. */
function hostMark({ host, pidNamespace }: ProcessIdentity): string {
  return mark(`${host}|${pidNamespace}`)
}

function bootMark({ bootId }: ProcessIdentity): string {
  return mark(bootId)
}

function startMark({ startTime }: ProcessIdentity): string {
  return startTime === '' ? 'x' : Number(startTime).toString(36)
}

/** Five characters of base 36. */
function mark(text: string): string {
  const number = createHash('sha256').update(text).digest().readUInt32BE()
  return (number % 36 ** 5).toString(36).padStart(5, '0')
}
