/** The types of the library. */
import type { Duration, Effect } from "effect"
import type { DiscoveryFacts } from "../domain/discovery.schema.ts"
import type {
  Cancellation,
  DiscoverOptions,
  Initialized,
  InitOptions,
  InspectedRun,
  InspectedSpawn,
  IoItem,
  ListedRuns,
  RunFilter,
  SpawnRef,
} from "../domain/engine.schema.ts"
import type { PreparedRun, ProgramOutline, SubmitInput } from "../domain/submission.schema.ts"
import type { LogEntry } from "../domain/event.schema.ts"
import type { RunId } from "../domain/ids.schema.ts"
import type { RunRecord, RunResult, SubmittedRun } from "../domain/run.schema.ts"
import type { MillConfig } from "./types.ts"

/** Options for `createEngine` and `createMill`. Omitted options have the same defaults as in the CLI. */
export interface EngineOptions {
  /**
   * The path of a configuration file, or a configuration object. If an object contains your own codecs, or extensions with
   * functions, the runs are part of this process: closing the engine cancels them, and if the process dies, they fail.
   */
  readonly config?: string | MillConfig | undefined
  /** The directory in which runs are stored. Default: `$MILL_HOME/runs`. */
  readonly runsDir?: string | undefined
  /** The working directory of programs and agents. Relative paths are resolved against it. Default: the process's working directory. */
  readonly cwd?: string | undefined
}

/** Aborting the signal rejects the call with the signal's reason and does not affect the run; use `cancel` to cancel a run. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs programs and follows their runs. A run is identified by its id, a prefix of its id, or `last`. Methods reject with
 * mill's tagged errors: `_tag` names the error, `message` describes the problem, and `hint` suggests what to do.
 */
export interface MillClient extends AsyncDisposable {
  /** Compiles and freezes a run without writing anything. */
  prepare(input: SubmitInput): Promise<PreparedRun>
  /** Outlines what a prepared run will do, based on the program's source text. */
  outline(prepared: PreparedRun): Promise<ProgramOutline>
  /** Starts a prepared run in the background. */
  start(prepared: PreparedRun): Promise<SubmittedRun>
  /** Prepares and starts a run in the background. */
  submit(input: SubmitInput): Promise<SubmittedRun>
  /** Submits a run and waits for it to finish. Also resolves if the run failed or was cancelled: check `status`. */
  runSync(input: SubmitInput, options?: Abortable): Promise<RunResult>
  /** Finds the id of a run. */
  resolve(run: string): Promise<RunId>
  /** Reads the record of a run and reports which of its source files have changed since it was submitted. */
  status(run: string): Promise<RunRecord>
  /** Waits for a run to finish. Rejects with `WaitTimeout` after `timeout`, a number of milliseconds or a duration such as "1 minute". */
  wait(
    run: string,
    options?: Abortable & { readonly timeout?: Duration.Input | undefined },
  ): Promise<RunRecord>
  /** Reads a run with its spawns and its result, or one of its spawns. */
  inspect(run: string): Promise<InspectedRun>
  inspect(spawn: SpawnRef): Promise<InspectedSpawn>
  /** Follows the events of a run live, from the first event to the final one. */
  watch(run: string, options?: Abortable): AsyncIterable<LogEntry>
  /** Follows the output of a run's program and agents, from now until the run finishes. */
  watchIo(run: string, options?: Abortable): AsyncIterable<IoItem>
  /** Yields the ids of the runs in progress and of every run that starts later. Never ends. */
  liveRuns(options?: Abortable): AsyncIterable<RunId>
  /**
   * Cancels a run, its agents and any nested runs. A finished run is left unchanged. A run that has not ended after `timeout`
   * is killed (default: its grace periods plus 5 seconds). Rejects with `CancelIncomplete` if processes are left.
   */
  cancel(
    run: string,
    reason?: string,
    options?: { readonly timeout?: Duration.Input | undefined },
  ): Promise<Cancellation>
  /** Lists runs, newest first. */
  list(filter?: RunFilter): Promise<ListedRuns>
  /** Sets up a directory, as `mill init` does. */
  init(options?: InitOptions): Promise<Initialized>
  /** Describes the program API, and the drivers and configuration that apply in this directory. `mill --help --json` prints the same, with the commands. */
  discover(options?: DiscoverOptions): Promise<DiscoveryFacts>
  /** Closes the client. Pending and later calls reject; runs keep running. */
  close(): Promise<void>
}

/** The parts of the package that mill provides in directories where the package is not installed. */
export interface MillPackage {
  /** Modules that a configuration can import by name. They are loaded on use. */
  readonly modules: Effect.Effect<Readonly<Record<string, Record<string, unknown>>>>
  /** The declarations of the global `mill` and of the module. */
  readonly types: { readonly program: string; readonly core: string }
}
