/** Tables such as `openai_models`: one provider's models with what its list said of each, as JSON. */
import { byName, fitsFamily } from './classify-table.ts'
import type { FoundColumn, FoundTable } from './source-catalog.ts'
import { foldedName } from './source-table.ts'

export interface PayloadTable {
  readonly name: string
  /** The provider in its name, folded: `openai`. */
  readonly provider: string
  /** The column that names the model, and the one with the JSON. */
  readonly model: string
  readonly payload: string
  readonly readable: boolean
}

/** One that looks like such a table and cannot be read as one. */
export interface UnfitPayloadTable {
  readonly name: string
  readonly reason: string
}

const modelColumns = ['model_id', 'id', 'name', 'slug']
const payloadColumns = ['data', 'payload', 'provider_data', 'raw', 'raw_data', 'json', 'metadata']

/** @param isProvider whether the folded front of a name belongs to a provider: `car_models` is nobody's business. */
export function findPayloadTables(
  found: readonly FoundTable[],
  isProvider: (folded: string) => boolean,
): { readonly fit: readonly PayloadTable[]; readonly unfit: readonly UnfitPayloadTable[] } {
  const fit: PayloadTable[] = []
  const unfit: UnfitPayloadTable[] = []
  for (const table of found) {
    const provider = foldedName(/^(.+?)_?models$/i.exec(table.name)?.[1] ?? '')
    if (provider === '' || !isProvider(provider)) continue
    const model = modelColumns.map((name) => byName(table.columns, name)).find(isTextColumn)
    const payload = payloadColumn(table.columns)
    if (!table.isTable || table.hidesRows) {
      unfit.push({
        name: table.name,
        reason: table.isTable ? 'row-level security hides its rows' : 'it is not a table',
      })
    } else if (model === undefined || payload === undefined) {
      unfit.push({ name: table.name, reason: `it has no ${model === undefined ? 'model id' : 'JSON'} that stands out` })
    } else {
      const readable = model.readable && payload.readable
      fit.push({ name: table.name, provider, model: model.name, payload: payload.name, readable })
    }
  }
  return { fit, unfit }
}

function isTextColumn(column: FoundColumn | 'ambiguous' | undefined): column is FoundColumn {
  if (column === undefined || column === 'ambiguous') return false
  // A generated key names a row, not a model.
  return column.type !== 'uuid' && fitsFamily({ family: 'text' }, column)
}

/** The JSON column of a usual name, or the only one. */
function payloadColumn(columns: readonly FoundColumn[]): FoundColumn | undefined {
  const json = columns.filter((column) => fitsFamily({ family: 'json' }, column))
  const usual = payloadColumns.map((name) => byName(json, name)).find((found) => found !== undefined)
  if (usual !== undefined && usual !== 'ambiguous') return usual
  return json.length === 1 ? json[0] : undefined
}
