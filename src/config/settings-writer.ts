/** Changes one key of a YAML settings file and leaves the rest of it, comments included, as it is. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isScalar, parseDocument, type Document } from 'yaml'
import { OrchError } from '../errors/orch-error.ts'
import type { RawSetting } from './setting-value.ts'
import type { SettingKey } from './setting.ts'

/** Writes the value, creating the file where there is none. Throws ORCH_CONFIG_INVALID for a file that is not YAML. */
export function writeFileSetting(path: string, key: SettingKey, value: RawSetting): void {
  const document = readDocument(path)
  const place = findKey(document, key) ?? key.split('.')
  const present = document.getIn(place, true)
  // A comment belongs to the old node, so that node is kept where it can hold the value.
  if (isScalar(present) && !Array.isArray(value)) present.value = value
  else document.setIn(place, document.createNode(value))
  save(path, document)
}

/** Removes the key. Returns whether the file had it. */
export function removeFileSetting(path: string, key: SettingKey): boolean {
  const document = readDocument(path)
  const place = findKey(document, key)
  if (place === undefined) return false
  document.deleteIn(place)
  save(path, document)
  return true
}

function readDocument(path: string): Document {
  const document = parseDocument(existsSync(path) ? readFileSync(path, 'utf8') : '')
  const [fault] = document.errors
  if (fault === undefined) return document
  throw new OrchError('ORCH_CONFIG_INVALID', `${path}: ${fault.message.split('\n')[0] ?? 'not YAML'}`, {
    hint: 'Mend the file by hand: orch does not rewrite what it cannot read',
  })
}

/** A key may be written as one dotted word, or nested. */
function findKey(document: Document, key: SettingKey): readonly string[] | undefined {
  return [[key], key.split('.')].find((place) => document.hasIn(place))
}

function save(path: string, document: Document): void {
  mkdirSync(dirname(path), { recursive: true })
  // Written aside and renamed: a crash must not leave half a file.
  writeFileSync(`${path}.new`, document.contents === null ? '' : document.toString())
  renameSync(`${path}.new`, path)
}
