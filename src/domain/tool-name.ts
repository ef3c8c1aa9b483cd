/** The tools of the agent executor. `submit` ends a task and belongs to every worker; a role grants the others. */
export const toolNames = ['list', 'read', 'search', 'write', 'edit', 'run', 'submit'] as const
export type ToolName = (typeof toolNames)[number]

/** The tools that a role may or may not grant. */
export const grantableTools = ['list', 'read', 'search', 'write', 'edit', 'run'] as const satisfies readonly ToolName[]
