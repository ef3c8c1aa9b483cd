import type { ToolName } from '../../domain/tool-name.ts'
import { editTool } from './edit.ts'
import { listTool } from './list.ts'
import { readTool } from './read.ts'
import { runTool } from './run.ts'
import { searchTool } from './search.ts'
import type { Tool } from './tool.ts'
import { writeTool } from './write.ts'

const tools: Readonly<Partial<Record<ToolName, Tool>>> = {
  list: listTool,
  read: readTool,
  search: searchTool,
  write: writeTool,
  edit: editTool,
  run: runTool,
}

/** The tools of these names, in the given order. `submit` is the agent loop's own and not among them. */
export function toolsFor(names: readonly ToolName[]): ReadonlyMap<ToolName, Tool> {
  return new Map(
    names.flatMap((name): [ToolName, Tool][] => {
      const tool = tools[name]
      return tool === undefined ? [] : [[name, tool]]
    }),
  )
}
