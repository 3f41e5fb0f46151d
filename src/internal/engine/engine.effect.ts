/** The engine: what a user can do with runs. Every method works from any process; a run's worker is one of them. */
import { Context, type Duration, Effect, FileSystem, Layer, Path, Stream } from "effect"
import { Digest, SecureRandom } from "effect/crypto"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
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
import { isTerminalStatus, type RunRecord, type RunResult, type RunStatus } from "../../domain/run.schema.ts"
import type { SpawnSummary } from "../../domain/spawn.schema.ts"
import { ConfigLoader } from "../config/config-loader.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { SourceCompiler } from "../plan/source-compiler.effect.ts"
import { foldLog, type LogError } from "../store/event-log-reader.effect.ts"
import { resolveRun } from "../store/run-reference.effect.ts"
import { RunStore, type Unreadable } from "../store/run-store.effect.ts"
import { type Submission, type SubmitInput, submitRun } from "./submit.effect.ts"
import { waitForEnd } from "./wait.effect.ts"
import { watchEvents } from "./watch.effect.ts"

/** Why a run that was named could not be told of. */
export type LookupError = UsageError | RunNotFound | LogError

/** A run in detail. */
export type InspectedRun = {
  readonly run: RunRecord
  readonly spawns: ReadonlyArray<SpawnSummary>
  readonly result?: RunResult
}

const inspectRun = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const run = yield* store.record(runId)
  if (isTerminalStatus(run.status)) {
    const result = yield* store.result(runId)
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
  | Settings
  | SourceCompiler

export class Engine extends Context.Service<
  Engine,
  {
    /** Starts a run and returns at once. */
    readonly submit: (
      input: SubmitInput,
    ) => Effect.Effect<Submission, UsageError | ConfigError | ProgramError | StoreError | LaunchError>
    /** The run that an id, the beginning of one, or `last` names. */
    readonly resolve: (reference: string) => Effect.Effect<RunId, UsageError | RunNotFound | StoreError>
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
    /** The newest runs, newest first. */
    readonly list: (filter: {
      readonly status?: RunStatus
      readonly limit: number
    }) => Effect.Effect<
      { readonly runs: ReadonlyArray<RunRecord>; readonly unreadable: ReadonlyArray<Unreadable> },
      StoreError
    >
  }
>()("mill/internal/Engine") {
  static readonly layer = Layer.effect(
    Engine,
    Effect.gen(function* () {
      const context = yield* Effect.context<Needs>()
      const store = yield* RunStore
      return Engine.of({
        submit: (input) => Effect.provideContext(submitRun(input), context),
        resolve: (reference) => Effect.provideContext(resolveRun(reference), context),
        status: store.record,
        wait: (runId, timeout) => Effect.provideContext(waitForEnd(runId, timeout), context),
        inspect: (runId) => Effect.provideContext(inspectRun(runId), context),
        watch: (runId) => Stream.provideContext(watchEvents(store.paths(runId)), context),
        list: store.list,
      })
    }),
  )
}
