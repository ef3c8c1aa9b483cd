/**
 * Row types, snake_case as stored. Both engines store the same values: text ids, epoch milliseconds,
 * micro-dollars and 0/1 booleans as integers, JSON as text (columns typed `Json`). Rows stop at the
 * repositories; everything above works with domain objects.
 */
import type { ErrorClass } from '../domain/error-class.ts'
import type { AttemptOutcome, JobHold, JobState } from '../domain/job-state.ts'

/** JSON text. Written with `toJson`, read with `fromJson` of `database/json.ts`. */
export type Json = string
/** 0 or 1. */
export type Flag = number
/** Milliseconds since the epoch. */
export type EpochMs = number

export interface ProviderConfigRow {
  id: string
  label: string
  kind: string
  base_url: string | null
  /** The name of a credential, never a key. */
  credential: string | null
  requests_per_minute: number | null
  tokens_per_minute: number | null
  max_concurrency: number | null
  enabled: Flag
  created_at: EpochMs
  updated_at: EpochMs
}

export interface ProviderHealthRow {
  provider_id: string
  /** Empty for the provider as a whole. */
  model_id: string
  state: 'closed' | 'open' | 'half_open'
  error_class: ErrorClass | null
  reason: string | null
  cooldown_until: EpochMs | null
  failures: number
  adaptive_target: number | null
  request_bucket: number | null
  token_bucket: number | null
  bucket_at: EpochMs | null
  updated_at: EpochMs
}

export interface OrchestratorConfigRow {
  key: string
  value: Json
  updated_at: EpochMs
}

export interface ModelRegistryRow {
  provider_id: string
  model_id: string
  /** The provider's own list entry, verbatim. */
  provider_data: Json | null
  /** Inferred or probed values, each with source, confidence and time. */
  ai_data: Json | null
  /** What orch uses, each value with its source. */
  specs: Json | null
  lifecycle: 'active' | 'vanished' | 'disabled'
  first_seen_at: EpochMs
  last_seen_at: EpochMs
  updated_at: EpochMs
}

export interface ModelUsageRow {
  id: string
  project_id: string | null
  job_id: string | null
  errand_id: string | null
  attempt: number | null
  role: string | null
  provider_id: string
  model_id: string
  purpose: 'plan' | 'job' | 'probe'
  input_tokens: number | null
  cached_input_tokens: number | null
  cache_write_tokens: number | null
  output_tokens: number | null
  reasoning_tokens: number | null
  /** Null is unknown, never free. */
  cost_micro_usd: number | null
  /** The most it can have cost, where the real cost is unknown. */
  bound_micro_usd: number | null
  source: 'measured' | 'estimated' | 'unknown' | 'local' | 'simulated'
  price_source: string | null
  price_version: string | null
  latency_ms: number | null
  outcome: 'ok' | 'error' | 'stale' | 'unknown'
  error_class: ErrorClass | null
  created_at: EpochMs
}

export interface ProjectRow {
  id: string
  slug: string
  goal: string
  status: 'draft' | 'active' | 'paused' | 'cancelled'
  workspace: string
  budget_micro_usd: number | null
  /** Argv arrays that an approved plan allows. */
  commands: Json
  /** Canonical hash of the stored plan; an approval is valid while it equals `approved_hash`. */
  plan_hash: string
  approved_hash: string | null
  approved_at: EpochMs | null
  approved_by: string | null
  created_at: EpochMs
  updated_at: EpochMs
}

export interface RoleRow {
  id: string
  title: string
  prompt: string
  needs: Json
  tools: Json
  /** Argv prefixes this role may not run although the plan allows them. */
  denied_commands: Json
  reports_to: string | null
  model_pin: string | null
  created_at: EpochMs
  updated_at: EpochMs
}

export interface JobRow {
  id: string
  project_id: string
  key: string
  title: string
  description: string
  role: string | null
  executor: string
  state: JobState
  hold: JobHold | null
  hold_reason: string | null
  priority: number
  /** The highest priority among this job and everything that depends on it. */
  effective_priority: number
  /** Jobs on the longest chain from here to the end of the plan, this one included. */
  path_length: number
  run_at: EpochMs
  ready_at: EpochMs | null
  /** Dependencies that have not completed yet. */
  blocked_by: number
  /** The fencing token: only grows. */
  attempt: number
  try: number
  max_tries: number
  interruptions: number
  lease_owner: string | null
  lease_expires_at: EpochMs | null
  waits_for: string | null
  /** The job's part of the plan file, verbatim and canonical. */
  spec: Json
  result: Json | null
  error: Json | null
  /** The job whose end made this one skipped. */
  skipped_because: string | null
  rehearsed: Flag
  created_at: EpochMs
  updated_at: EpochMs
  started_at: EpochMs | null
  finished_at: EpochMs | null
}

export interface JobDependencyRow {
  job_id: string
  depends_on_id: string
}

export interface AttemptRow {
  job_id: string
  number: number
  try: number
  scheduler_id: string
  started_at: EpochMs
  ended_at: EpochMs | null
  outcome: AttemptOutcome | null
  error_class: string | null
  error: Json | null
  evidence: Json | null
}

export interface TaskRow {
  job_id: string
  ordinal: number
  title: string
  description: string
  state: 'pending' | 'running' | 'completed'
  summary: string | null
  updated_at: EpochMs
}

export interface ErrandRow {
  id: string
  job_id: string
  try: number
  ordinal: number
  task_ordinal: number
  kind: 'model' | 'tool' | 'command'
  name: string
  request_hash: string
  request: Json
  status: 'started' | 'done' | 'failed' | 'unknown_outcome'
  output: Json | null
  error_class: string | null
  /** For file tools: the hash of the target before the effect, so that a resume can tell whether it happened. */
  before_hash: string | null
  attempt: number
  started_at: EpochMs
  ended_at: EpochMs | null
}

export interface JobEventRow {
  id: string
  project_id: string
  job_id: string | null
  attempt: number | null
  kind: string
  data: Json
  created_at: EpochMs
}

export interface ReservationRow {
  id: string
  project_id: string | null
  job_id: string | null
  errand_id: string | null
  attempt: number | null
  scheduler_id: string | null
  provider_id: string
  model_id: string
  /** Upper bound of the call; null only where no budget applies and the price is unknown. */
  bound_micro_usd: number | null
  tokens: number
  created_at: EpochMs
  settled_at: EpochMs | null
}

export interface JobLockRow {
  name: string
  job_id: string
  attempt: number
  mode: 'exclusive' | 'intent'
  acquired_at: EpochMs
}

export interface SchedulerInstanceRow {
  id: string
  host: string
  boot_id: string
  pid_namespace: string
  pid: number
  process_started_at: string
  version: string
  concurrency: number
  started_at: EpochMs
  heartbeat_at: EpochMs
  stopped_at: EpochMs | null
}

export interface MigrationLedgerRow {
  sequence: number
  name: string
  checksum: string
  outcome: 'applied' | 'adopted'
  duration_ms: number
  tool_version: string
  applied_at: EpochMs
}

export interface Tables {
  provider_config: ProviderConfigRow
  provider_health: ProviderHealthRow
  orchestrator_config: OrchestratorConfigRow
  model_registry: ModelRegistryRow
  model_usage: ModelUsageRow
  projects: ProjectRow
  roles: RoleRow
  jobs: JobRow
  job_dependencies: JobDependencyRow
  attempts: AttemptRow
  tasks: TaskRow
  errands: ErrandRow
  job_events: JobEventRow
  reservations: ReservationRow
  job_locks: JobLockRow
  scheduler_instances: SchedulerInstanceRow
  orch_migrations: MigrationLedgerRow
}

export type TableName = keyof Tables
