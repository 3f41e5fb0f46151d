/** The engine: what can be done with runs, and what that takes and gives. */
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

/** What an engine goes by where its surroundings are not to say it. */
export const EngineSettings = Schema.Struct({
  /** The path of a configuration, or a configuration; looked for from the working directory when absent. */
  config: Schema.optional(
    Schema.Unknown.check(
      Schema.makeFilter(
        (value) => typeof value === "string" || (typeof value === "object" && value !== null),
        {
          expected: "the path of a configuration, or a configuration",
        },
      ),
    ),
  ),
  /** The folder of all runs: `$MILL_HOME/runs` when absent. */
  runsDir: Schema.optional(Schema.NonEmptyString),
  /** The working directory of programs and agents: this process's own when absent. */
  cwd: Schema.optional(Schema.NonEmptyString),
})
export type EngineSettings = typeof EngineSettings.Type

/** Which runs, and how many at the most (50 when absent). */
export const RunFilter = Schema.Struct({
  status: Schema.optional(RunStatus),
  limit: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
})
export type RunFilter = typeof RunFilter.Type

/** The newest runs first, and those that were met on the way and could not be read. */
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

/** What `inspect` takes: a run, by its id, the beginning of one, or `last`; or a spawn of it. */
export type RunOrSpawnRef = string | SpawnRef

/** A run in detail: its spawns in order of start, and its result when it has one. */
export const InspectedRun = Schema.Struct({
  run: RunRecord,
  spawns: Schema.Array(SpawnSummary),
  result: Schema.optional(RunResult),
})
export type InspectedRun = typeof InspectedRun.Type

/** A spawn in detail: what was asked, what came of it so far, and its own events. */
export const InspectedSpawn = Schema.Struct({
  runId: RunId,
  input: SpawnOptions,
  spawn: SpawnSummary,
  events: Schema.Array(MillEvent),
})
export type InspectedSpawn = typeof InspectedSpawn.Type

/** What became of a request to cancel. */
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

/** What a listener gets: a line, or how many there were that it was too slow for. */
export const IoItem = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("io"), io: IoLine }),
  Schema.Struct({ kind: Schema.Literal("dropped"), lines: Schema.Int }),
])
export type IoItem = typeof IoItem.Type

/** How a folder is made ready for mill. */
export const InitOptions = Schema.Struct({
  /** For all of the user's folders: in `$MILL_HOME`, and a skill in the home folder; not in the working directory. */
  global: Schema.Boolean,
  /** The text of a skill file, to be written instead of the others. */
  skill: Schema.optional(Schema.String),
})
export type InitOptions = typeof InitOptions.Type

/** What was written, and what was there already: absolute paths. */
export const Initialized = Schema.Struct({
  created: Schema.Array(Schema.String),
  kept: Schema.Array(Schema.String),
  /** The configuration of a folder above, which counts here, so that none was written; it is among `kept`. */
  configAbove: Schema.optional(Schema.String),
})
export type Initialized = typeof Initialized.Type

/** Whether the default driver's agent is asked for its models, which takes as long as starting it does. */
export const DiscoverOptions = Schema.Struct({ askAgent: Schema.Boolean })
export type DiscoverOptions = typeof DiscoverOptions.Type

/** Why a run that is named may not be found. */
export type ReferenceError = UsageError | RunNotFound | StoreError

/** Why a run may not start. */
export type SubmitError = UsageError | ConfigError | ProgramError | StoreError | LaunchError

/**
 * What can be done with runs, from any process. Where a run is named, its id will do, the beginning of one, or `last`.
 * A run belongs to a process of its own: interrupting what is done here leaves it as it is.
 */
export type MillEngine = {
  /** Compiles and freezes what would be run, and leaves no trace. */
  readonly prepare: (
    input: SubmitInput,
  ) => Effect.Effect<PreparedRun, UsageError | ConfigError | ProgramError>
  /** What the program of a prepared run can be seen to do from its text alone. */
  readonly outline: (prepared: PreparedRun) => Effect.Effect<ProgramOutline, UsageError>
  /** Starts a run of what was prepared, and returns at once. */
  readonly start: (
    prepared: PreparedRun,
  ) => Effect.Effect<SubmittedRun, UsageError | StoreError | LaunchError>
  /** Prepares and starts a run, and returns at once. */
  readonly submit: (input: SubmitInput) => Effect.Effect<SubmittedRun, SubmitError>
  /** Submits a run and gives its result when it has ended, whether it is complete, failed or cancelled. */
  readonly runSync: (input: SubmitInput) => Effect.Effect<RunResult, SubmitError | RunNotFound | LogError>
  /** The id of the run that a reference names. */
  readonly resolve: (run: string) => Effect.Effect<RunId, ReferenceError>
  /** The run's record, and which of its sources have been changed since it was submitted. */
  readonly status: (run: string) => Effect.Effect<RunRecord, ReferenceError | LogError>
  /** The record of the run when it has ended; fails when that takes longer than `timeout`. */
  readonly wait: (
    run: string,
    timeout?: Duration.Input,
  ) => Effect.Effect<RunRecord, ReferenceError | LogError | WaitTimeout>
  /** A run with its spawns and its result, or one of its spawns. */
  readonly inspect: Inspect
  /** The run's events from the first on, live, until the one that ends it. */
  readonly watch: (run: string) => Stream.Stream<LogEntry, ReferenceError | LogError>
  /** What the program and the agents print from now on, until the run ends. */
  readonly watchIo: (run: string) => Stream.Stream<IoItem, ReferenceError | LogError>
  /** The runs that are live, and those that start from now on; never ends. */
  readonly liveRuns: Stream.Stream<RunId, StoreError>
  /** Ends the run for good, and the runs inside it. A run that has ended stays as it is. */
  readonly cancel: (run: string, reason?: string) => Effect.Effect<Cancellation, ReferenceError | LogError>
  /** The newest runs, newest first. */
  readonly list: (filter?: RunFilter) => Effect.Effect<ListedRuns, UsageError | StoreError>
  /** Makes a folder ready for mill; whatever is there stays as it is. */
  readonly init: (options: InitOptions) => Effect.Effect<Initialized, UsageError | ConfigError | StoreError>
  /** What whoever writes programs here should know; never fails for what is wrong with the configuration. */
  readonly discover: (options: DiscoverOptions) => Effect.Effect<DiscoveryFacts>
}

/** Fails with `RunNotFound` also where the run has no such spawn. */
export type Inspect = {
  (run: string): Effect.Effect<InspectedRun, ReferenceError | LogError>
  (spawn: SpawnRef): Effect.Effect<InspectedSpawn, ReferenceError | LogError>
}
