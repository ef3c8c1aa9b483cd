/** Every setting: its key, where it may be set, and its default. README's table is proven equal to this one. */
export interface SettingDefinition {
  /** `counts` is a list of `name=number`, one entry for each name. */
  readonly type: 'text' | 'integer' | 'number' | 'choice' | 'list' | 'counts'
  readonly default: string | number | readonly string[] | null
  readonly means: string
  readonly choices?: readonly string[]
  /** Smallest allowed number. */
  readonly minimum?: number
  /** Only the user's own configuration may set it: a cloned repository must not (DESIGN section 5, Trust). */
  readonly userOnly?: boolean
  /** Where `config set` keeps it unless told otherwise; default: the project's file. */
  readonly keptIn?: 'user' | 'project' | 'shared'
}

export const settingDefinitions = {
  database: {
    type: 'text',
    default: null,
    means: 'address of the database: a path or postgres://...',
  },
  'selection.policy': {
    type: 'choice',
    choices: ['cheapest', 'balanced', 'best', 'fastest', 'local-first'],
    default: 'balanced',
    means: 'how a model is chosen among those that fit a role',
  },
  'models.default': {
    type: 'text',
    default: null,
    means: 'provider/model used where no role or job pins one',
  },
  'limits.concurrency': {
    type: 'integer',
    minimum: 1,
    default: 4,
    means: 'jobs one scheduler runs at once',
  },
  'limits.jobs': {
    type: 'integer',
    minimum: 0,
    keptIn: 'shared',
    default: null,
    means: 'jobs that run at once over all schedulers; 0 starts nothing',
  },
  'limits.roles': {
    type: 'counts',
    keptIn: 'shared',
    default: [],
    means: 'jobs of a role that run at once over all schedulers: `engineer=2`',
  },
  'limits.models': {
    type: 'counts',
    keptIn: 'shared',
    default: [],
    means: 'calls of a model in flight over all schedulers: `ollama/qwen3=1`; of a provider: orch providers edit',
  },
  'limits.lease_ms': {
    type: 'integer',
    minimum: 2_000,
    default: 20_000,
    means: 'how long a silent scheduler keeps its jobs',
  },
  'limits.turns': {
    type: 'integer',
    minimum: 1,
    default: 40,
    means: 'model calls of one task before its job fails',
  },
  'limits.call_timeout_ms': {
    type: 'integer',
    minimum: 1_000,
    default: 300_000,
    means: 'total deadline of one model call',
  },
  'limits.job_timeout_ms': {
    type: 'integer',
    minimum: 1_000,
    default: 3_600_000,
    means: 'wall time of one attempt',
  },
  'limits.job_silence_ms': {
    type: 'integer',
    minimum: 1_000,
    default: 900_000,
    means:
      'how long an attempt may go without a sign of life; unless set, a call or command may be quiet as long as its own timeout',
  },
  'limits.job_tokens': {
    type: 'integer',
    default: 10_000_000,
    means: 'input and output tokens of one job, all its tries together',
  },
  'limits.job_usd': {
    type: 'number',
    default: 10,
    means: 'money of one job, all its tries together, whatever its project may spend',
  },
  'budget.project_usd': {
    type: 'number',
    minimum: 0,
    default: null,
    means: 'cap of a project that states none',
  },
  'backups.keep': {
    type: 'integer',
    minimum: 1,
    default: 5,
    means: 'backups of each kind that are kept beside the database: by hand, before a migration, before a restore',
  },
  'commands.allow': {
    type: 'list',
    userOnly: true,
    keptIn: 'user',
    default: [],
    means:
      'what agents may run in every project: JSON arrays of a program and a pattern for each argument, * for any text, ... for any rest',
  },
} as const satisfies Record<string, SettingDefinition>

export type SettingKey = keyof typeof settingDefinitions

interface TypeOf {
  text: string
  choice: string
  integer: number
  number: number
  list: readonly string[]
  counts: readonly string[]
}

/** The TypeScript type of a setting's value. */
export type SettingValue<K extends SettingKey> =
  | TypeOf[(typeof settingDefinitions)[K]['type']]
  | ((typeof settingDefinitions)[K]['default'] extends null ? null : never)

export const settingKeys = Object.keys(settingDefinitions) as readonly SettingKey[]

/** The environment variable that sets a key: `limits.lease_ms` is `ORCH_LIMITS_LEASE_MS`. */
export function environmentName(key: SettingKey): string {
  // The one historic name: an address belongs to the usual *_URL family.
  if (key === 'database') return 'ORCH_DATABASE_URL'
  return `ORCH_${key.toUpperCase().replaceAll('.', '_')}`
}

/** Whether the text names a setting. */
export function isSettingKey(text: string): text is SettingKey {
  return Object.hasOwn(settingDefinitions, text)
}
