/**
 * Which databases this user trusts on this machine. A database file may arrive with a cloned repository:
 * in one that its user neither created here nor trusted, approvals, permissions and providers count as
 * absent and no credential is sent. A file is known by its path and inode, so a replaced file is a stranger.
 */
import { mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OrchError, systemErrorCode } from '../errors/orch-error.ts'

export interface TrustStore {
  /** Whether the database at the address is trusted. In-memory databases are. */
  isTrusted(address: string): boolean
  trust(address: string): void
  list(): readonly string[]
}

/** Opens the store in the user's configuration directory; a missing file is an empty store. */
export function openTrustStore(userConfigDir: string): TrustStore {
  const path = join(userConfigDir, 'trusted-databases.json')
  // A file that is away for a moment, while somebody works with it, is the one it was: an outage, not a stranger.
  const seen = new Map<string, string>()
  const lastIdentityOf = (address: string) => {
    const identity = identityOf(address)
    const known = identity === missing(address) ? (seen.get(address) ?? identity) : identity
    seen.set(address, known)
    return known
  }
  return {
    isTrusted: (address) => address === ':memory:' || readIdentities(path).includes(lastIdentityOf(address)),
    trust: (address) => {
      const identities = new Set(readIdentities(path)).add(identityOf(address))
      mkdirSync(userConfigDir, { recursive: true, mode: 0o700 })
      // Written aside and renamed: a crash must not leave half a list.
      writeFileSync(`${path}.new`, `${JSON.stringify([...identities], null, 2)}\n`, {
        mode: 0o600,
      })
      renameSync(`${path}.new`, path)
    },
    list: () => readIdentities(path),
  }
}

function identityOf(address: string): string {
  const isServer = address.includes('://')
  if (isServer) return address
  try {
    const file = statSync(address)
    return `${realpathSync(address)}#${file.dev}:${file.ino}`
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return missing(address)
    throw error
  }
}

function readIdentities(path: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (Array.isArray(parsed)) return parsed.filter((item): item is string => typeof item === 'string')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return []
    throw new OrchError('ORCH_CONFIG_INVALID', `${path} cannot be read`, {
      hint: 'Remove it and run `orch db trust` again',
      cause: error,
    })
  }
  return []
}

function missing(address: string): string {
  return `${address}#missing`
}
