/** The types of a configuration, as its author sees them, and of mill as a library. */
import type { Duration } from "effect"
import type { Surroundings } from "../domain/discovery.schema.ts"
import type { Codec } from "../domain/driver.schema.ts"
import type {
  Cancellation,
  DiscoverOptions,
  Initialized,
  InitOptions,
  InspectedRun,
  InspectedSpawn,
  IoItem,
  ListedRuns,
  PreparedRun,
  RunFilter,
  SpawnRef,
  SubmitInput,
} from "../domain/engine.schema.ts"
import type { LogEntry } from "../domain/event.schema.ts"
import type { RunId } from "../domain/ids.schema.ts"
import type { RunRecord, RunResult, SubmittedRun } from "../domain/run.schema.ts"
import type { HttpCodec } from "../domain/http-codec.schema.ts"
import type { ExtensionOnEvent, ExtensionSetup, FunctionDoc } from "../domain/extension.schema.ts"

/** An agent that is a command. */
export interface ProcessDriverOptions {
  /** What it is for: `mill --help --json` tells it to whoever writes programs. */
  readonly description?: string
  /** A name to be found on PATH, or a path. Never a shell line. */
  readonly command: string
  /** Given before the arguments that the codec adds. */
  readonly args?: ReadonlyArray<string>
  /** The agent's dialect, for example `claudeCodec()`. */
  readonly codec: Codec
  /** Added to the environment that the agent inherits. Only the names are ever written to disk. */
  readonly env?: Readonly<Record<string, string>>
  /** The agent's working directory; the submitter's when absent. */
  readonly cwd?: string
  /** The longest line that is decoded, in bytes: 16 MiB when absent. Longer ones are dropped and counted. */
  readonly maxLineBytes?: number
  /** Seconds that this agent may take to end after SIGTERM, before SIGKILL; the configuration's when absent. */
  readonly cancelGrace?: number
}

/** What `processDriver` gives. */
export interface ProcessDriver extends ProcessDriverOptions {
  readonly type: "process"
}

/** An agent that is an HTTP API, of a vendor or of a server of one's own. */
export interface HttpDriverOptions {
  /** What it is for: `mill --help --json` tells it to whoever writes programs. */
  readonly description?: string
  /** The endpoint, or the base of it that the vendor's own libraries take. No credentials: it is told and written down. */
  readonly url: string
  /** The API's dialect, for example `anthropicMessagesCodec()`. */
  readonly codec: HttpCodec
  /**
   * The environment variable that holds the key, which is read when it is needed and written nowhere. It goes into the
   * header that the codec names, or into `header`; in `authorization`, `Bearer` is put before it.
   */
  readonly apiKey?: { readonly env: string; readonly header?: string }
  /** Sent with each request: values, or environment variables that hold them. Only names are written to the plan. */
  readonly headers?: Readonly<Record<string, string | { readonly env: string }>>
  /** Seconds that a spawn may take; no limit when absent. */
  readonly timeout?: number
  /** How often a server that is busy (429, 503, 529) is asked again, within two minutes: 3 when absent. */
  readonly maxRetries?: number
  /** The longest event that is decoded: 16 Mi characters when absent. A longer one fails the spawn. */
  readonly maxLineBytes?: number
}

/** What `httpDriver` gives. */
export interface HttpDriver extends HttpDriverOptions {
  readonly type: "http"
}

/** What `directExecutor` gives. */
export interface DirectExecutor {
  readonly type: "direct"
}

/** Options of an executor whose programs run in a sandbox: without network, and with nothing to read but their own files. */
export interface VmExecutorOptions {
  /** What makes the sandbox: bubblewrap when absent. */
  readonly runtime?: "bubblewrap" | "docker" | "podman"
  /** The runtime's executable, by name or path; its own name when absent. */
  readonly command?: string
  /** The image for docker or podman, with glibc in it; mill brings all else along. */
  readonly image?: string
  /** Names of variables of the submitter's that the program finds in its environment. */
  readonly env?: ReadonlyArray<string>
  /** More variables, with their values. Only the names are in the plan. */
  readonly setEnv?: Readonly<Record<string, string>>
  /** More files and folders that the program may read. */
  readonly readable?: ReadonlyArray<string>
  /** The most memory, in MiB: docker and podman only. */
  readonly memory?: number
  /** The most processes at a time: docker and podman only. */
  readonly processes?: number
}

/** What `vmExecutor` gives. */
export interface VmExecutor extends VmExecutorOptions {
  readonly type: "vm"
}

/** Takes and gives JSON; a rejection rejects the program's call. */
export type ExtensionFunction = (...args: ReadonlyArray<unknown>) => Promise<unknown>

/** Hooks on runs, and functions for programs, which find them under `mill.<name>`. */
export interface Extension {
  /** As variables are named; not one that `mill` has already. */
  readonly name: string
  readonly description?: string
  /** Called once in the run's worker, before the program starts. What it acquires is released at the run's end. */
  readonly setup?: ExtensionSetup
  /** Called for each event of the run's log, one at a time. It never holds up the run. */
  readonly onEvent?: ExtensionOnEvent
  /** Functions of the program's `mill.<name>`; they run in the worker, take and give JSON. */
  readonly api?: Readonly<Record<string, ExtensionFunction>>
  /** What those functions are for and their TypeScript types, by name: `mill --help` and `mill init` tell them. */
  readonly docs?: Readonly<Record<string, FunctionDoc>>
}

/** The default export of `mill.config.ts`. */
export interface MillConfig {
  /** The driver that serves a run's spawns when `--driver` says nothing. */
  readonly defaultDriver?: string
  /** The executor that runs programs when `--executor` says nothing: `direct` when absent. */
  readonly defaultExecutor?: string
  /** Drivers by name, beside the built-in `claude`, `pi`, `codex` and `offline`; the same name replaces one. */
  readonly drivers?: Readonly<Record<string, ProcessDriver | HttpDriver>>
  /** Executors by name, beside the built-in `direct` and `vm`; the same name replaces one. */
  readonly executors?: Readonly<Record<string, DirectExecutor | VmExecutor>>
  /** What whoever writes programs should know, for example which model is for what: `mill --help` tells it. */
  readonly authoring?: { readonly instructions?: string }
  readonly extensions?: ReadonlyArray<Extension>
  /** Whether `mill run` shows the program in a terminal and asks: true when absent. */
  readonly confirm?: boolean
  /** Seconds that processes may take to end after SIGTERM, before SIGKILL: 5 when absent. */
  readonly cancelGrace?: number
  /** How many levels of runs may be started inside a run: 1 when absent. */
  readonly maxRunDepth?: number
}

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
  discover(options?: DiscoverOptions): Promise<Surroundings>
  /** Ends what is under way here; runs go on. Whatever is called from then on is rejected. */
  close(): Promise<void>
}

/** What a mill process gives to those who have not installed the package. */
export interface MillPackage {
  /** Modules that a configuration may import by name though no node_modules holds them. */
  readonly modules: Readonly<Record<string, Record<string, unknown>>>
  /** The types of a program's global, and of the module. */
  readonly types: { readonly program: string; readonly core: string }
}
