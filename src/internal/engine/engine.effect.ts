/** The engine: what a user can do with runs. Every method works from any process; a run's worker is one of them. */
import { Context, type Duration, Effect, type FileSystem, Layer, type Path, Stream } from "effect"
import type { Digest, SecureRandom } from "effect/crypto"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type { Surroundings } from "../../domain/discovery.schema.ts"
import type {
  ConfigError,
  LaunchError,
  ProgramError,
  RunNotFound,
  StoreError,
  UsageError,
  WaitTimeout,
} from "../../domain/error.schema.ts"
import type { LogEntry } from "../../domain/event.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { spawnSummary, spawnsInOrder } from "../../domain/run-summary.schema.ts"
import {
  isTerminalStatus,
  type RunRecord,
  type RunResult,
  type SubmittedRun,
} from "../../domain/run.schema.ts"
import type { SpawnSummary } from "../../domain/spawn.schema.ts"
import type { ConfigLoader } from "../config/config-loader.effect.ts"
import type { IoItem } from "../control/line-buffer.effect.ts"
import type { Secrets } from "../config/secrets.effect.ts"
import type { Settings } from "../config/settings.effect.ts"
import type { Sockets } from "../process/sockets.effect.ts"
import { changedSources } from "../plan/changes.effect.ts"
import type { SourceCompiler } from "../plan/source-compiler.effect.ts"
import { discover, type DiscoverOptions } from "../discovery/discover.effect.ts"
import { scaffold, type Scaffolded, type ScaffoldOptions } from "../scaffold/scaffold.effect.ts"
import type { TypeTexts } from "../scaffold/type-texts.effect.ts"
import { foldLog, type LogError } from "../store/event-log-reader.effect.ts"
import { resolveRun } from "../store/run-reference.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { type Cancellation, cancelRun } from "./cancel.effect.ts"
import { listRuns, type RunFilter, type Unreadable } from "./list.effect.ts"
import { currentRecord } from "./reconcile.effect.ts"
import { writeSnapshots } from "./snapshots.effect.ts"
import { type PreparedRun, prepareRun, startRun, type SubmitInput } from "./submit.effect.ts"
import { untilEnd, waitForEnd } from "./wait.effect.ts"
import { liveRuns, watchEvents, watchIo } from "./watch.effect.ts"

/** A run in detail. */
export type InspectedRun = {
  readonly run: RunRecord
  readonly spawns: ReadonlyArray<SpawnSummary>
  readonly result?: RunResult
}

/** A result that is lost or damaged is made from the log again. */
const rebuildResult = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const plan = yield* store.plan(runId)
  yield* writeSnapshots(plan, yield* foldLog(store.paths(runId).eventsFile))
  return yield* store.result(runId)
})

const statusOf = Effect.fnUntraced(function* (runId: RunId) {
  const run = yield* currentRecord(runId)
  // A record is worth having, also of a run whose plan is damaged.
  const plan = yield* Effect.option((yield* RunStore).plan(runId))
  if (plan._tag === "None") return run
  return { ...run, changedSources: yield* changedSources(plan.value) } satisfies RunRecord
})

const inspectRun = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const run = yield* statusOf(runId)
  if (isTerminalStatus(run.status)) {
    const result = yield* Effect.catchTag(store.result(runId), "StoreError", () => rebuildResult(runId))
    return { run, spawns: result.spawns, result } satisfies InspectedRun
  }
  const state = yield* foldLog(run.paths.eventsFile)
  return { run, spawns: spawnsInOrder(state).map(spawnSummary) } satisfies InspectedRun
})

type Needs =
  | ChildProcessSpawner
  | ConfigLoader
  | Digest.Digest
  | FileSystem.FileSystem
  | Path.Path
  | RunStore
  | SecureRandom.SecureRandom
  | Secrets
  | Settings
  | Sockets
  | SourceCompiler
  | TypeTexts

export class Engine extends Context.Service<
  Engine,
  {
    /** Makes a folder ready for mill; whatever is there stays as it is. */
    readonly init: (
      options: ScaffoldOptions,
    ) => Effect.Effect<Scaffolded, UsageError | ConfigError | StoreError>
    /** What whoever writes programs here should know; never fails for what is wrong with the configuration. */
    readonly discover: (options: DiscoverOptions) => Effect.Effect<Surroundings>
    /** Compiles and freezes what would be run, and leaves no trace. */
    readonly prepare: (
      input: SubmitInput,
    ) => Effect.Effect<PreparedRun, UsageError | ConfigError | ProgramError>
    /** Starts a run of what was prepared, and returns at once. */
    readonly start: (prepared: PreparedRun) => Effect.Effect<SubmittedRun, StoreError | LaunchError>
    /** The run that an id, the beginning of one, or `last` names. */
    readonly resolve: (reference: string) => Effect.Effect<RunId, UsageError | RunNotFound | StoreError>
    /** The run's record, and which of its sources have been changed since it was submitted. */
    readonly status: (runId: RunId) => Effect.Effect<RunRecord, LogError>
    /** The record of the run when it has ended; fails when that takes longer than `timeout`. */
    readonly wait: (
      runId: RunId,
      timeout?: Duration.Duration,
    ) => Effect.Effect<RunRecord, LogError | WaitTimeout>
    /** A run with its spawns in order of start, and its result when it has one. */
    readonly inspect: (runId: RunId) => Effect.Effect<InspectedRun, LogError>
    /** The run's events from the first on, live, until the one that ends it. */
    readonly watch: (runId: RunId) => Stream.Stream<LogEntry, LogError>
    /** What the program and the agents print from now on, until the run ends. */
    readonly watchIo: (runId: RunId) => Stream.Stream<IoItem, LogError>
    /** The runs that are live, and those that start from now on; never ends. */
    readonly liveRuns: Stream.Stream<RunId, StoreError>
    /** Ends the run for good, and the runs inside it. A run that has ended stays as it is. */
    readonly cancel: (runId: RunId, reason?: string) => Effect.Effect<Cancellation, LogError>
    /** The newest runs, newest first. */
    readonly list: (
      filter: RunFilter,
    ) => Effect.Effect<
      { readonly runs: ReadonlyArray<RunRecord>; readonly unreadable: ReadonlyArray<Unreadable> },
      StoreError
    >
  }
>()("mill/internal/Engine") {
  static readonly layer = Layer.effect(
    Engine,
    Effect.gen(function* () {
      const context = yield* Effect.context<Needs>()
      return Engine.of({
        init: (options) => Effect.provideContext(scaffold(options), context),
        discover: (options) => Effect.provideContext(discover(options), context),
        prepare: (input) => Effect.provideContext(prepareRun(input), context),
        start: (prepared) => Effect.provideContext(startRun(prepared), context),
        resolve: (reference) => Effect.provideContext(resolveRun(reference), context),
        status: (runId) => Effect.provideContext(statusOf(runId), context),
        wait: (runId, timeout) =>
          Effect.provideContext(
            timeout === undefined ? untilEnd(runId) : waitForEnd(runId, timeout),
            context,
          ),
        inspect: (runId) => Effect.provideContext(inspectRun(runId), context),
        watch: (runId) => Stream.provideContext(watchEvents(runId), context),
        watchIo: (runId) => Stream.provideContext(watchIo(runId), context),
        liveRuns: Stream.provideContext(liveRuns, context),
        cancel: (runId, reason) => Effect.provideContext(cancelRun(runId, reason), context),
        list: (filter) => Effect.provideContext(listRuns(filter), context),
      })
    }),
  )
}
