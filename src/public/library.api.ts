/** The types of mill as a library. */
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

/** Options of `createEngine` and `createMill`. Omitted options default as in the CLI. */
export interface EngineOptions {
  /**
   * The path of a configuration file, or a configuration object. An object can have what mill's own factories make.
   * Your own codecs and extensions must be in a file.
   */
  readonly config?: string | MillConfig | undefined
  /** The directory of all runs. Default: `$MILL_HOME/runs`. */
  readonly runsDir?: string | undefined
  /** The working directory of programs and agents, and the base directory for relative paths. Default: the process's own. */
  readonly cwd?: string | undefined
}

/** Aborting rejects with the signal's reason and leaves the run alone; use `cancel` to end a run. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs and follows programs. A run is named by its id, a prefix of the id, or `last`. Methods reject with mill's tagged
 * errors: `_tag` names the error, `message` says what is wrong, and `hint` what to do.
 */
export interface MillClient extends AsyncDisposable {
  /** Compiles and freezes a run, without writing anything. */
  prepare(input: SubmitInput): Promise<PreparedRun>
  /** Outlines what the program of a prepared run does, from its text. */
  outline(prepared: PreparedRun): Promise<ProgramOutline>
  /** Starts a prepared run in the background. */
  start(prepared: PreparedRun): Promise<SubmittedRun>
  /** Prepares and starts a run in the background. */
  submit(input: SubmitInput): Promise<SubmittedRun>
  /** Submits a run and waits for it to finish. Resolves also when the run failed or was cancelled: check `status`. */
  runSync(input: SubmitInput, options?: Abortable): Promise<RunResult>
  /** Finds the id of a run. */
  resolve(run: string): Promise<RunId>
  /** Reads the record of a run, and which of its sources have changed since it was submitted. */
  status(run: string): Promise<RunRecord>
  /** Waits for a run to finish. Rejects with `WaitTimeout` after `timeout`: milliseconds, or for example "1 minute". */
  wait(
    run: string,
    options?: Abortable & { readonly timeout?: Duration.Input | undefined },
  ): Promise<RunRecord>
  /** Reads a run with its spawns and its result, or one of its spawns. */
  inspect(run: string): Promise<InspectedRun>
  inspect(spawn: SpawnRef): Promise<InspectedSpawn>
  /** Follows the events of a run, from the first to the last. */
  watch(run: string, options?: Abortable): AsyncIterable<LogEntry>
  /** Follows what the program and the agents of a run print, from now until the run ends. */
  watchIo(run: string, options?: Abortable): AsyncIterable<IoItem>
  /** Follows the ids of the current runs and of new ones, until the loop is left. */
  liveRuns(options?: Abortable): AsyncIterable<RunId>
  /** Cancels a run, its agents and any nested runs. A finished run is left unchanged. */
  cancel(run: string, reason?: string): Promise<Cancellation>
  /** Lists runs, newest first. */
  list(filter?: RunFilter): Promise<ListedRuns>
  /** Sets up a directory, as `mill init` does. */
  init(options?: InitOptions): Promise<Initialized>
  /** Describes the program API, drivers and configuration of this directory: `mill --help --json` without the commands. */
  discover(options?: DiscoverOptions): Promise<DiscoveryFacts>
  /** Closes this client: pending and later calls are rejected. Runs keep running. */
  close(): Promise<void>
}

/** The parts of the package that a mill process provides to directories in which it is not installed. */
export interface MillPackage {
  /** Modules that a configuration can import by name; loaded on use. */
  readonly modules: Effect.Effect<Readonly<Record<string, Record<string, unknown>>>>
  /** The declarations of the global `mill`, and of the module. */
  readonly types: { readonly program: string; readonly core: string }
}
