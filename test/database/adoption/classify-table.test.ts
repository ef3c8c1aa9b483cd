import { describe, expect, it } from 'vitest'
import { classifyTables, type TableFinding } from '../../../src/database/adoption/classify-table.ts'
import { findPayloadTables } from '../../../src/database/adoption/payload-table.ts'
import type { FoundColumn, FoundTable } from '../../../src/database/adoption/source-catalog.ts'

function column(name: string, type: string, overrides: Partial<FoundColumn> = {}): FoundColumn {
  return { name, type, isEnumeration: false, notNull: true, readable: true, ...overrides }
}

function found(name: string, columns: readonly FoundColumn[], overrides: Partial<FoundTable> = {}): FoundTable {
  return { name, isTable: true, hidesRows: false, columns, ...overrides }
}

const projectColumns = [
  column('id', 'text'),
  column('name', 'character varying(191)'),
  column('description', 'text', { notNull: false }),
  column('status', 'project_status', { isEnumeration: true }),
  column('createdAt', 'timestamp(3) without time zone'),
  column('updatedAt', 'timestamp with time zone'),
]

function classifyProjects(...tables: readonly FoundTable[]): TableFinding | undefined {
  return classifyTables(tables).find(({ source }) => source === 'projects')
}

function replaced(name: string, by: FoundColumn | null): readonly FoundColumn[] {
  return projectColumns.flatMap((one) => (one.name === name ? (by ?? []) : [one]))
}

describe('a table', () => {
  it('is compatible with every type that can be read as the expected one', () => {
    expect(classifyProjects(found('projects', projectColumns))).toMatchObject({
      standing: 'compatible',
      differences: [],
    })
  })

  it.each([
    ['a view', found('projects', projectColumns, { isTable: false }), 'conflict'],
    ['one with hidden rows', found('projects', projectColumns, { hidesRows: true }), 'conflict'],
    ['one in another case', found('Projects', projectColumns), 'case_variant'],
    ['one without an optional column', found('projects', replaced('description', null)), 'partial'],
    ['one without a required column', found('projects', replaced('name', null)), 'conflict'],
    [
      'one whose id may be null',
      found('projects', replaced('id', column('id', 'text', { notNull: false }))),
      'conflict',
    ],
    ['one with numbers for ids', found('projects', replaced('id', column('id', 'integer'))), 'conflict'],
    [
      'one with a column in another case',
      found('projects', replaced('createdAt', column('created_at', 'timestamp without time zone'))),
      'case_variant',
    ],
    [
      'one with a column in two other cases',
      found('projects', [...replaced('name', column('NAME', 'text')), column('Name', 'text')]),
      'conflict',
    ],
  ])('%s is told', (_, table, standing) => {
    expect(classifyProjects(table)?.standing).toBe(standing)
  })

  it('is the one of the exact name where there are several, and a conflict where none is exact', () => {
    const other = found('PROJECTS', [column('id', 'integer')])
    expect(classifyProjects(other, found('projects', projectColumns))).toMatchObject({
      foundAs: 'projects',
      standing: 'compatible',
    })
    expect(classifyProjects(other, found('Projects', projectColumns))).toMatchObject({
      foundAs: null,
      standing: 'conflict',
    })
    expect(classifyProjects()?.standing).toBe('absent')
  })

  it('names what the role may not read, but never asks for a key', () => {
    const locked = { readable: false }
    const [providers] = classifyTables([
      found('ProviderConfig', [column('id', 'text'), column('type', 'text', locked), column('apiKey', 'text', locked)]),
    ])
    expect(providers?.unreadable).toEqual(['type'])
  })
})

describe('a table of payloads', () => {
  const isProvider = (name: string) => name === 'openai'
  const find = (table: FoundTable) => findPayloadTables([table], isProvider)

  it.each([
    [
      'model_id and data',
      [column('id', 'uuid'), column('model_id', 'text'), column('data', 'jsonb'), column('other', 'json')],
      'model_id',
      'data',
    ],
    ['the only text and the only JSON', [column('name', 'text'), column('whatever', 'json')], 'name', 'whatever'],
  ])('is read by %s', (_, columns, model, payload) => {
    expect(find(found('openai_models', columns))).toMatchObject({
      fit: [{ provider: 'openai', model, payload }],
      unfit: [],
    })
  })

  it('that cannot be read is named and stops nothing; other tables of models are nobody’s business', () => {
    expect(find(found('openai_models', [column('id', 'uuid'), column('data', 'jsonb')])).unfit).toHaveLength(1)
    expect(
      find(found('openaiModels', [column('id', 'text'), column('a', 'jsonb'), column('b', 'jsonb')])).unfit,
    ).toHaveLength(1)
    expect(find(found('car_models', [column('id', 'text'), column('data', 'jsonb')]))).toEqual({ fit: [], unfit: [] })
  })
})
