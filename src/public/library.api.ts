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

/** What `createEngine` and `createMill` take; what is absent is as it is for the command `mill`. */
export interface EngineOptions {
  /**
   * The path of a configuration file, or a configuration. One that is an object can hold what mill's own factories give;
   * a codec of your own, and the functions of extensions, must be in a file.
   */
  readonly config?: string | MillConfig | undefined
  /** The folder of all runs: `$MILL_HOME/runs` when absent. */
  readonly runsDir?: string | undefined
  /** Where programs and agents work, and where paths are meant from: the process's own directory when absent. */
  readonly cwd?: string | undefined
}

/** Aborting rejects with the signal's reason. It leaves the run as it is; `cancel` ends runs. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/**
 * What can be done with runs. Where a run is named, its id will do, the beginning of one, or `last`. Rejections are
 * mill's tagged errors: `_tag` tells which, `message` what is wrong, `hint` what to do.
 */
export interface MillClient extends AsyncDisposable {
  /** Compiles and freezes what would be run, and leaves no trace. */
  prepare(input: SubmitInput): Promise<PreparedRun>
  /** What the program of a prepared run can be seen to do from its text alone. */
  outline(prepared: PreparedRun): Promise<ProgramOutline>
  /** Starts a run of what was prepared, and resolves at once. */
  start(prepared: PreparedRun): Promise<SubmittedRun>
  /** Prepares and starts a run, and resolves at once: the run goes on in a process of its own. */
  submit(input: SubmitInput): Promise<SubmittedRun>
  /** Submits a run and resolves when it has ended, whether it is complete, failed or cancelled: see `status`. */
  runSync(input: SubmitInput, options?: Abortable): Promise<RunResult>
  /** The id of the run that a reference names. */
  resolve(run: string): Promise<RunId>
  status(run: string): Promise<RunRecord>
  /** Resolves when the run has ended. `timeout` is milliseconds, or for example "1 minute"; rejects with `WaitTimeout`. */
  wait(
    run: string,
    options?: Abortable & { readonly timeout?: Duration.Input | undefined },
  ): Promise<RunRecord>
  /** A run with its spawns and its result, or one of its spawns. */
  inspect(run: string): Promise<InspectedRun>
  inspect(spawn: SpawnRef): Promise<InspectedSpawn>
  /** The run's events from the first on, live, until the one that ends it. Leaving the loop ends it. */
  watch(run: string, options?: Abortable): AsyncIterable<LogEntry>
  /** What the program and the agents print from now on, until the run ends. */
  watchIo(run: string, options?: Abortable): AsyncIterable<IoItem>
  /** The runs that are live, and those that start from now on; ends when the loop is left. */
  liveRuns(options?: Abortable): AsyncIterable<RunId>
  /** Ends the run for good, and the runs inside it. A run that has ended stays as it is. */
  cancel(run: string, reason?: string): Promise<Cancellation>
  /** The newest runs, newest first. */
  list(filter?: RunFilter): Promise<ListedRuns>
  /** Makes a folder ready for mill, as `mill init` does. */
  init(options?: InitOptions): Promise<Initialized>
  /** What whoever writes programs here should know: all of `mill --help --json` but the command line. */
  discover(options?: DiscoverOptions): Promise<DiscoveryFacts>
  /** Ends what is under way here; runs go on. Whatever is called from then on is rejected. */
  close(): Promise<void>
}

/** What a mill process gives to those who have not installed the package. */
export interface MillPackage {
  /** Modules that a configuration may import by name though no node_modules holds them; loaded on use. */
  readonly modules: Effect.Effect<Readonly<Record<string, Record<string, unknown>>>>
  /** The types of a program's global, and of the module. */
  readonly types: { readonly program: string; readonly core: string }
}
