/** The engine's operations on runs, with their inputs and results. */
import { type Duration, type Effect, Schema, type Stream } from "effect"
import type { DiscoveryFacts } from "./discovery.schema.ts"
import type {
  CancelIncomplete,
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

/** Options that override the environment in which an engine is created. */
export const EngineSettings = Schema.Struct({
  /** A configuration object, or the path of a configuration file. By default, mill searches from the working directory upwards. */
  config: Schema.optional(
    Schema.Unknown.check(
      Schema.makeFilter(
        (value) => typeof value === "string" || (typeof value === "object" && value !== null),
        {
          expected: "a configuration object, or the path of a configuration file",
        },
      ),
    ),
  ),
  /** The directory in which runs are stored. Default: `$MILL_HOME/runs`. */
  runsDir: Schema.optional(Schema.NonEmptyString),
  /** The working directory of programs and agents. Default: the working directory of this process. */
  cwd: Schema.optional(Schema.NonEmptyString),
})
export type EngineSettings = typeof EngineSettings.Type

/** Selects runs by status; `limit` is the maximum number of runs (default: 50). */
export const RunFilter = Schema.Struct({
  status: Schema.optional(RunStatus),
  limit: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
})
export type RunFilter = typeof RunFilter.Type

/** The matching runs, newest first, the runs whose records could not be read, and the number of other entries in the runs directory. */
export const ListedRuns = Schema.Struct({
  runs: Schema.Array(RunRecord),
  unreadable: Schema.Array(Schema.Struct({ runId: Schema.String, message: Schema.String })),
  unknown: Schema.Int,
})
export type ListedRuns = typeof ListedRuns.Type

/** Identifies a spawn by its run and its id. */
export const SpawnRef = Schema.Struct({
  run: Schema.String,
  /** For example `spawn_2`. */
  spawn: Schema.String,
})
export type SpawnRef = typeof SpawnRef.Type

/** Identifies a run by its id, a prefix of its id, or `last`; or a spawn. */
export type RunOrSpawnRef = string | SpawnRef

/** The details of a run: its spawns in the order they started, and its result once the run has finished. */
export const InspectedRun = Schema.Struct({
  run: RunRecord,
  spawns: Schema.Array(SpawnSummary),
  result: Schema.optional(RunResult),
})
export type InspectedRun = typeof InspectedRun.Type

/** The details of a spawn: its input, its result so far, and its events. */
export const InspectedSpawn = Schema.Struct({
  runId: RunId,
  input: SpawnOptions,
  spawn: SpawnSummary,
  events: Schema.Array(MillEvent),
})
export type InspectedSpawn = typeof InspectedSpawn.Type

/** The outcome of cancelling a run. `alreadyTerminal` is true if the run had already finished. */
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

/** Options for `init`. */
export const InitOptions = Schema.Struct({
  /** Set up `$MILL_HOME` instead of the working directory; with `skill`, the user's home directory. */
  global: Schema.Boolean,
  /** The text of a skill file. When present, only the skill file is written. */
  skill: Schema.optional(Schema.String),
})
export type InitOptions = typeof InitOptions.Type

/** The absolute paths of the files that were written, and of existing files that were left unchanged. */
export const Initialized = Schema.Struct({
  created: Schema.Array(Schema.String),
  kept: Schema.Array(Schema.String),
  /** The configuration file of a parent directory that already applies, so that no new one was written. Also in `kept`. */
  configAbove: Schema.optional(Schema.String),
})
export type Initialized = typeof Initialized.Type

/** `attended`: whether the caller is going to call `watchProgram`. The run keeps the program's output for it. */
const AttendOptions = Schema.Struct({ attended: Schema.optional(Schema.Boolean) })
export type AttendOptions = typeof AttendOptions.Type

/** `askAgent`: whether to ask the default driver's agent for its models, which takes as long as starting the agent. */
export const DiscoverOptions = Schema.Struct({ askAgent: Schema.Boolean })
export type DiscoverOptions = typeof DiscoverOptions.Type

/** The errors that can occur while a run is looked up. */
export type ReferenceError = UsageError | RunNotFound | StoreError

/** The errors that can occur while a run is submitted. */
export type SubmitError = UsageError | ConfigError | ProgramError | StoreError | LaunchError

/**
 * Operations on runs, from any process. A run is identified by its id, a prefix of its id, or `last`. Each run has its own
 * process, so interrupting an operation does not affect the run.
 */
export type MillEngine = {
  /** Compiles and freezes a run without starting it or writing anything. */
  readonly prepare: (
    input: SubmitInput,
  ) => Effect.Effect<PreparedRun, UsageError | ConfigError | ProgramError>
  /** Outlines what a prepared run will do, based on the program's source text. */
  readonly outline: (prepared: PreparedRun) => Effect.Effect<ProgramOutline, UsageError>
  /** Starts a prepared run and returns immediately. */
  readonly start: (
    prepared: PreparedRun,
    options?: AttendOptions,
  ) => Effect.Effect<SubmittedRun, UsageError | StoreError | LaunchError>
  /** Prepares and starts a run and returns immediately. */
  readonly submit: (input: SubmitInput) => Effect.Effect<SubmittedRun, SubmitError>
  /** Submits a run, waits for it to finish and returns its result, whether it completed, failed or was cancelled. */
  readonly runSync: (input: SubmitInput) => Effect.Effect<RunResult, SubmitError | RunNotFound | LogError>
  /** Returns the id of the run that a reference identifies. */
  readonly resolve: (run: string) => Effect.Effect<RunId, ReferenceError>
  /** Returns the run's record, including which of its source files have changed since it was submitted. */
  readonly status: (run: string) => Effect.Effect<RunRecord, ReferenceError | LogError>
  /** Waits for the run to finish and returns its record. Fails with `WaitTimeout` after `timeout`. */
  readonly wait: (
    run: string,
    timeout?: Duration.Input,
  ) => Effect.Effect<RunRecord, ReferenceError | LogError | WaitTimeout>
  /** Returns a run with its spawns and its result, or one of its spawns. Also fails with `RunNotFound` if the run does not contain the spawn. */
  readonly inspect: {
    (run: string): Effect.Effect<InspectedRun, ReferenceError | LogError>
    (spawn: SpawnRef): Effect.Effect<InspectedSpawn, ReferenceError | LogError>
  }
  /** Streams the run's events live, from the first event to the final one. */
  readonly watch: (run: string) => Stream.Stream<LogEntry, ReferenceError | LogError>
  /** Streams the output of the program and its agents, from now until the run finishes. */
  readonly watchIo: (run: string) => Stream.Stream<IoItem, ReferenceError | LogError>
  /** Streams what the program prints, from its first line, until the program ends. Requires a run that was started as `attended`. */
  readonly watchProgram: (run: string) => Stream.Stream<IoItem, ReferenceError | LogError>
  /** Streams the ids of the runs in progress, and of every run that starts later. Never ends. */
  readonly liveRuns: Stream.Stream<RunId, StoreError>
  /**
   * Cancels the run, its agents and any nested runs. A finished run is left unchanged. A run that has not ended after
   * `timeout` is killed (default: its grace periods plus 5 seconds). Fails with `CancelIncomplete` if processes are left.
   */
  readonly cancel: (
    run: string,
    reason?: string,
    timeout?: Duration.Input,
  ) => Effect.Effect<Cancellation, ReferenceError | LogError | CancelIncomplete>
  /** Lists runs, newest first. */
  readonly list: (filter?: RunFilter) => Effect.Effect<ListedRuns, UsageError | StoreError>
  /** Sets up a directory for mill. Existing files are left unchanged. */
  readonly init: (options: InitOptions) => Effect.Effect<Initialized, UsageError | ConfigError | StoreError>
  /** Describes the program API, the drivers and the configuration of this directory. An invalid configuration is part of the result. */
  readonly discover: (options: DiscoverOptions) => Effect.Effect<DiscoveryFacts>
}
