/** The engine's operations on runs, with their inputs and results. */
import { type Duration, type Effect, Schema, type Stream } from "effect"
import type { DiscoveryFacts } from "./discovery.schema.ts"
import type {
  ConfigError,
  LaunchError,
  LogError,
  ProgramError,
  RunNotFound,
  StoreError,
  UsageError,
  WaitTimeout,
} from "./error.schema.ts"
import { type LogEntry, MillEvent } from "./event.schema.ts"
import { RunId, SpawnId, Timestamp } from "./ids.schema.ts"
import { RunRecord, RunResult, RunStatus, type SubmittedRun } from "./run.schema.ts"
import { SpawnOptions, SpawnSummary } from "./spawn.schema.ts"
import type { PreparedRun, ProgramOutline, SubmitInput } from "./submission.schema.ts"

/** Settings of an engine that override those of its environment. */
export const EngineSettings = Schema.Struct({
  /** A configuration, or the path of one. Default: searched for from the working directory upwards. */
  config: Schema.optional(
    Schema.Unknown.check(
      Schema.makeFilter(
        (value) => typeof value === "string" || (typeof value === "object" && value !== null),
        {
          expected: "a configuration, or the path of one",
        },
      ),
    ),
  ),
  /** The folder of all runs. Default: `$MILL_HOME/runs`. */
  runsDir: Schema.optional(Schema.NonEmptyString),
  /** The working directory of programs and agents. Default: this process's own. */
  cwd: Schema.optional(Schema.NonEmptyString),
})
export type EngineSettings = typeof EngineSettings.Type

/** Selects runs by status; `limit` is the maximum number of runs (default: 50). */
export const RunFilter = Schema.Struct({
  status: Schema.optional(RunStatus),
  limit: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
})
export type RunFilter = typeof RunFilter.Type

/** The matching runs, newest first, and the runs that could not be read. */
export const ListedRuns = Schema.Struct({
  runs: Schema.Array(RunRecord),
  unreadable: Schema.Array(Schema.Struct({ runId: Schema.String, message: Schema.String })),
})
export type ListedRuns = typeof ListedRuns.Type

/** One spawn of a run. */
export const SpawnRef = Schema.Struct({
  run: Schema.String,
  /** For example `spawn_2`. */
  spawn: Schema.String,
})
export type SpawnRef = typeof SpawnRef.Type

/** A run, by its id, a prefix of the id, or `last`; or one of its spawns. */
export type RunOrSpawnRef = string | SpawnRef

/** A run in detail: its spawns in order of start, and its result once it has one. */
export const InspectedRun = Schema.Struct({
  run: RunRecord,
  spawns: Schema.Array(SpawnSummary),
  result: Schema.optional(RunResult),
})
export type InspectedRun = typeof InspectedRun.Type

/** A spawn in detail: its input, its result so far, and its events. */
export const InspectedSpawn = Schema.Struct({
  runId: RunId,
  input: SpawnOptions,
  spawn: SpawnSummary,
  events: Schema.Array(MillEvent),
})
export type InspectedSpawn = typeof InspectedSpawn.Type

/** The answer to a request to cancel a run. */
export const Cancellation = Schema.Struct({ run: RunRecord, alreadyTerminal: Schema.Boolean })
export type Cancellation = typeof Cancellation.Type

/** One line that the program or an agent printed. */
export const IoLine = Schema.Struct({
  source: Schema.Literals(["driver", "program"]),
  stream: Schema.Literals(["stdout", "stderr"]),
  line: Schema.String,
  timestamp: Timestamp,
  spawnId: Schema.optional(SpawnId),
})
export type IoLine = typeof IoLine.Type

/** An item of the live output: a line, or the number of lines dropped because the reader was too slow. */
export const IoItem = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("io"), io: IoLine }),
  Schema.Struct({ kind: Schema.Literal("dropped"), lines: Schema.Int }),
])
export type IoItem = typeof IoItem.Type

/** How to set up mill. */
export const InitOptions = Schema.Struct({
  /** Set up `$MILL_HOME` and a skill in the home folder instead of the working directory. */
  global: Schema.Boolean,
  /** The text of a skill file. When present, only the skill file is written. */
  skill: Schema.optional(Schema.String),
})
export type InitOptions = typeof InitOptions.Type

/** The files that were written, and those that existed and were left unchanged: absolute paths. */
export const Initialized = Schema.Struct({
  created: Schema.Array(Schema.String),
  kept: Schema.Array(Schema.String),
  /** The configuration of a parent folder, which already applies, so that none was written. Also in `kept`. */
  configAbove: Schema.optional(Schema.String),
})
export type Initialized = typeof Initialized.Type

/** Whether to ask the default driver's agent for its models, which takes as long as starting the agent. */
export const DiscoverOptions = Schema.Struct({ askAgent: Schema.Boolean })
export type DiscoverOptions = typeof DiscoverOptions.Type

/** Why a run reference may fail. */
export type ReferenceError = UsageError | RunNotFound | StoreError

/** Why a run may fail to start. */
export type SubmitError = UsageError | ConfigError | ProgramError | StoreError | LaunchError

/**
 * Operations on runs, from any process. A run is named by its id, a prefix of the id, or `last`. Each run has its own
 * process, so interrupting an operation does not affect the run.
 */
export type MillEngine = {
  /** Compiles and freezes a run without starting it or writing anything. */
  readonly prepare: (
    input: SubmitInput,
  ) => Effect.Effect<PreparedRun, UsageError | ConfigError | ProgramError>
  /** Reads from the program's text what a prepared run will do. */
  readonly outline: (prepared: PreparedRun) => Effect.Effect<ProgramOutline, UsageError>
  /** Starts a prepared run and returns immediately. */
  readonly start: (
    prepared: PreparedRun,
  ) => Effect.Effect<SubmittedRun, UsageError | StoreError | LaunchError>
  /** Prepares and starts a run and returns immediately. */
  readonly submit: (input: SubmitInput) => Effect.Effect<SubmittedRun, SubmitError>
  /** Submits a run, waits for its end and returns its result, whether complete, failed or cancelled. */
  readonly runSync: (input: SubmitInput) => Effect.Effect<RunResult, SubmitError | RunNotFound | LogError>
  /** The id of the run that a reference names. */
  readonly resolve: (run: string) => Effect.Effect<RunId, ReferenceError>
  /** The run's record, including the sources that have changed since it was submitted. */
  readonly status: (run: string) => Effect.Effect<RunRecord, ReferenceError | LogError>
  /** Waits for the run to end and returns its record. Fails with `WaitTimeout` after `timeout`. */
  readonly wait: (
    run: string,
    timeout?: Duration.Input,
  ) => Effect.Effect<RunRecord, ReferenceError | LogError | WaitTimeout>
  /** A run with its spawns and its result, or one of its spawns. */
  readonly inspect: Inspect
  /** The run's events from the first one, live, up to the one that ends the run. */
  readonly watch: (run: string) => Stream.Stream<LogEntry, ReferenceError | LogError>
  /** What the program and its agents print from now until the run ends. */
  readonly watchIo: (run: string) => Stream.Stream<IoItem, ReferenceError | LogError>
  /** The runs that are live now, and every run that starts later. Never ends. */
  readonly liveRuns: Stream.Stream<RunId, StoreError>
  /** Cancels the run and the runs nested in it. A run that has ended stays as it is. */
  readonly cancel: (run: string, reason?: string) => Effect.Effect<Cancellation, ReferenceError | LogError>
  /** The newest runs, newest first. */
  readonly list: (filter?: RunFilter) => Effect.Effect<ListedRuns, UsageError | StoreError>
  /** Sets up a folder for mill. Existing files are left unchanged. */
  readonly init: (options: InitOptions) => Effect.Effect<Initialized, UsageError | ConfigError | StoreError>
  /** The facts that an author of programs needs here. An invalid configuration is reported in them, not as a failure. */
  readonly discover: (options: DiscoverOptions) => Effect.Effect<DiscoveryFacts>
}

/** Fails with `RunNotFound` also when the run has no such spawn. */
export type Inspect = {
  (run: string): Effect.Effect<InspectedRun, ReferenceError | LogError>
  (spawn: SpawnRef): Effect.Effect<InspectedSpawn, ReferenceError | LogError>
}
